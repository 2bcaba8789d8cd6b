"""Reading a JSON document that may come from anywhere: bounded, finite, and plain in its texts."""

import json
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import read_short
from device.text import printable

LARGEST_BYTES = 16_000_000  # a report on 100 models has about 1.5 MB
MOST_VALUES = 300_000  # that report holds 125,000
DEEPEST = 32  # our own documents nest 8 deep
LONGEST_TEXT = 4_000  # characters; how an estimate was made takes 400
GREATEST_NUMBER = 2**63


def read_json(path: str | Path, expected: str) -> dict[str, Any]:
    """Return the JSON object in the file at ``path``, its texts as ``printable`` makes them.

    ``expected`` ends the error's line: what the file should hold. Raises EdgeError for a file that is not there, no
    regular one, over LARGEST_BYTES or no JSON object, and for one of over MOST_VALUES, that nests over DEEPEST, holds a
    number that is not finite or beyond 64 bits, or a text over LONGEST_TEXT.
    """
    try:
        text = read_short(path, LARGEST_BYTES)
        if text.count(",") > MOST_VALUES:
            raise EdgeError(f"{path} holds over {MOST_VALUES:,} values; {expected}")
        content = json.loads(text)
    except FileNotFoundError:
        raise EdgeError(f"there is no file {path}; {expected}") from None
    except RecursionError:
        raise EdgeError(f"{path} nests over {DEEPEST} deep; {expected}") from None
    except OSError as error:
        raise EdgeError(f"cannot read {path}: {error.strerror}; {expected}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise EdgeError(f"{path} is no JSON ({error}); {expected}") from error
    except ValueError:  # Python reads integers up to 4,300 digits
        raise EdgeError(
            f"{path} holds a number of over 4,000 digits; expected numbers of at most 64 bits"
        ) from None
    if not isinstance(content, dict):
        raise EdgeError(f"{path} holds a JSON {type(content).__name__}; {expected}")
    checked: dict[str, Any] = _checked(content, str(path), 0, expected)
    return checked


def _checked(value: Any, place: str, depth: int, expected: str) -> Any:
    """Return ``value`` with plain texts; EdgeError naming the place of what no document of ours holds."""
    if depth > DEEPEST:
        raise EdgeError(f"{place} nests over {DEEPEST} deep; {expected}")
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise EdgeError(
                f"{place} is a text of {len(value):,} characters; at most {LONGEST_TEXT:,} are read"
            )
        return printable(value)
    # Not a NaN either, which is less than nothing.
    if isinstance(value, int | float) and not abs(value) < GREATEST_NUMBER:
        raise EdgeError(
            f"{place} is {printable(value, 60)}; expected a number of at most 64 bits: measure it again"
        )
    if isinstance(value, list):
        return [_checked(one, f"{place}: {row}", depth + 1, expected) for row, one in enumerate(value)]
    if isinstance(value, dict):
        return {
            _checked(key, f"{place}, a name", depth, expected): _checked(
                one, f"{place}: {printable(key, 60)}", depth + 1, expected
            )
            for key, one in value.items()
        }
    return value
