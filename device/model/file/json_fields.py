"""The fields of a JSON object from outside, taken out with their types and ranges checked."""

from collections.abc import Mapping
from typing import Any

from device.errors import EdgeError
from device.text import printable

MOST_CHARACTERS, MOST_TEXTS = 1000, 10_000


class JsonFields:
    """One JSON object; each method returns a field, or ``default`` where it is absent.

    ``name`` is what errors call the object. EdgeError for a missing field without default and for a value of
    another type or outside its range: what it is, what was expected.

    >>> JsonFields({"margin": 1.2}, "settings").number("margin", 0, 10)
    1.2
    """

    def __init__(self, document: Any, name: str) -> None:
        if not isinstance(document, Mapping):
            raise EdgeError(f"{name} is {printable(repr(document), 60)}; expected a JSON object")
        self.document, self.name = document, name

    def number(self, field: str, low: float, high: float, default: float | None = None) -> float:
        """Return a finite number of ``low`` to ``high``."""
        value = self._value(field, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._misfit(field, f"a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, field: str, low: int, high: int) -> int:
        """Return a whole number of ``low`` to ``high``."""
        value = self._value(field, None)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._misfit(field, f"a whole number from {low} to {high}")
        return value

    def text(self, field: str, default: str | None = None) -> str:
        """Return a text of at most ``MOST_CHARACTERS``."""
        value = self._value(field, default)
        if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
            raise self._misfit(field, f"a text of at most {MOST_CHARACTERS} characters")
        return value

    def texts(self, field: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of texts as a tuple."""
        value = self._value(field, default)
        fits = isinstance(value, list | tuple) and len(value) <= MOST_TEXTS
        if not fits or not all(isinstance(one, str) and len(one) <= MOST_CHARACTERS for one in value):
            raise self._misfit(
                field, f"a list of at most {MOST_TEXTS} texts of at most {MOST_CHARACTERS} characters"
            )
        return tuple(value)

    def flag(self, field: str, default: bool) -> bool:
        value = self._value(field, default)
        if not isinstance(value, bool):
            raise self._misfit(field, "true or false")
        return value

    def numbers(self, field: str, count: int) -> list[float]:
        """Return a list of ``count`` finite numbers."""
        value = self._value(field, None)
        if not isinstance(value, list) or len(value) != count or not all(_finite(one) for one in value):
            raise self._misfit(field, f"a list of {count} numbers")
        return [float(one) for one in value]

    def fields(self, field: str) -> "JsonFields":
        """Return the object in ``field``."""
        return JsonFields(self._value(field, None), f"{self.name}: {printable(field, 60)}")

    def _value(self, field: str, default: Any) -> Any:
        if field not in self.document and default is None:
            raise EdgeError(f"{self.name} has no '{printable(field, 60)}'")
        return self.document.get(field, default)

    def _misfit(self, field: str, expected: str) -> EdgeError:
        found = printable(repr(self.document.get(field)), 60)
        return EdgeError(f"{self.name}: {printable(field, 60)} is {found}; expected {expected}")


def _finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e300 < value < 1e300
