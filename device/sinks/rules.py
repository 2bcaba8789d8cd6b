"""Something happens when an expression appears: rules over the calm labels of faces that are there."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from device.errors import UsageError
from device.results import FrameResult
from device.text import printable

LONGEST_S = 86_400.0
LARGEST_GPIO = 27  # of a Raspberry Pi's header, in BCM numbers


@dataclass(frozen=True)
class Rule:
    """When something holds for ``held_s`` seconds, do something, and not again before ``cool_down_s`` are over.

    Holds while at least ``faces`` detected faces show one of ``expressions`` with ``probability`` or more (any
    expression if none is named), or while no face is detected if ``nobody``. Then: ``command``, a program and its
    arguments without a shell; ``mqtt``, a topic; ``gpio``, a pin in BCM numbers that is high for ``pulse_s``.
    """

    name: str
    expressions: tuple[str, ...] = ()
    probability: float = 0.0
    faces: int = 1
    nobody: bool = False
    held_s: float = 1.0
    cool_down_s: float = 10.0
    command: tuple[str, ...] = ()
    mqtt: str | None = None
    gpio: int | None = None
    pulse_s: float = 1.0

    @property
    def called(self) -> str:
        """How lines name the rule."""
        return self.name if self.name.startswith("rule ") else f"rule {self.name}"

    def actions(self) -> str:
        """Return in words what the rule does."""
        told = [
            " ".join(self.command) and f"run {' '.join(self.command)}",
            self.mqtt and f"publish {self.mqtt}",
        ]
        told.append(None if self.gpio is None else f"pin {self.gpio} high for {self.pulse_s:g} s")
        return ", ".join(one for one in told if one)


def parse_rules(
    documents: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    broker: bool = True,
) -> tuple[Rule, ...]:
    """Return the rules of a settings file's ``[[rule]]`` tables for a model with ``labels``.

    ``broker``: whether there is one for messages. UsageError in one line for an unknown key, a wrong value, and a
    rule that can never fire or does nothing.
    """
    rules = tuple(_parsed(document, number, labels) for number, document in enumerate(documents, 1))
    unsent = next((rule for rule in rules if rule.mqtt and not broker), None)
    if unsent is not None:
        raise UsageError(f"{unsent.called} publishes {unsent.mqtt}, but there is no `mqtt` broker; name one")
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two rules are called '{twice}'; name each once")
    return rules


def _parsed(document: Mapping[str, Any], number: int, labels: Sequence[str]) -> Rule:
    called = f"rule {document.get('name', number)}"
    known = {field.name for field in fields(Rule)}
    values: dict[str, Any] = {"name": f"rule {number}"}
    for written, value in document.items():
        key = {"expression": "expressions", "held-for": "held_s"}.get(written, written.replace("-", "_"))
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
            raise UsageError(f"{called} has no setting {written}; {meant}")
        values[key] = _typed(called, written, key, value)
    rule = Rule(**values)
    _refuse_never(called, rule, labels)
    return rule


def _typed(called: str, written: str, key: str, value: Any) -> Any:
    """Return ``value`` as the field ``key`` holds it; UsageError for another type or a number out of range."""
    if key in ("expressions", "command"):
        parts = [value] if isinstance(value, str) else value
        if (
            not isinstance(parts, list)
            or not parts
            or not all(isinstance(part, str) and part for part in parts)
        ):
            raise UsageError(f"{called}: {written} is {value!r}; expected text, or a list of texts")
        return tuple(parts)
    if key in ("name", "mqtt"):
        if not isinstance(value, str) or not value:
            raise UsageError(f"{called}: {written} is {value!r}; expected text")
        if key == "mqtt" and set(value) & set("+#\0"):
            raise UsageError(f"{called}: {written} is {value!r}; expected a topic without + and #")
        return value
    if key == "nobody":
        if not isinstance(value, bool):
            raise UsageError(f"{called}: {written} is {value!r}; expected true or false")
        return value
    highest = {"probability": 1.0, "faces": 20, "gpio": LARGEST_GPIO}.get(key, LONGEST_S)
    lowest = 1 if key == "faces" else 0
    whole = key in ("faces", "gpio")
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not lowest <= value <= highest:
        kind = "a whole number" if whole else "a number"
        raise UsageError(
            f"{called}: {written} is {printable(value, 40)}; expected {kind} from {lowest} to {highest:g}"
        )
    return value if whole else float(value)


def _refuse_never(called: str, rule: Rule, labels: Sequence[str]) -> None:
    unknown = [name for name in rule.expressions if name not in labels]
    if unknown:
        raise UsageError(
            f"{called} can never fire: the model knows no '{unknown[0]}', but {', '.join(labels)}"
        )
    if rule.nobody and (rule.expressions or rule.probability or rule.faces > 1):
        raise UsageError(f"{called} can never fire: nobody has no expression; leave one of the two out")
    if not rule.actions():
        raise UsageError(f"{called} does nothing; add command, mqtt or gpio")


class RuleEngine:
    """Tells which rules fire at each result; times are those of the frames, so that a film gives the same events."""

    def __init__(self, rules: Sequence[Rule]):
        self.rules = tuple(rules)
        self._since_s: dict[str, float] = {}
        self._fired_s: dict[str, float] = {}

    def fired(self, result: FrameResult) -> list[Rule]:
        """Return the rules that fire with this result, in their order."""
        now_s = result.frame.time_s
        return [rule for rule in self.rules if self._fires(rule, result, now_s)]

    def _fires(self, rule: Rule, result: FrameResult, now_s: float) -> bool:
        if not holds(rule, result):
            self._since_s.pop(rule.name, None)
            return False
        since_s = self._since_s.setdefault(rule.name, now_s)
        before_s = self._fired_s.get(rule.name)
        cooling = before_s is not None and 0 <= now_s - before_s < rule.cool_down_s
        # Once for each time that it holds: it must have ended in between.
        if cooling or now_s - since_s < rule.held_s or (before_s is not None and before_s >= since_s):
            return False
        self._fired_s[rule.name] = now_s
        return True


def holds(rule: Rule, result: FrameResult) -> bool:
    """Return whether what the rule waits for is so in this result; a face that is only remembered does not count."""
    there = [face for face in result.faces if face.detected]
    if rule.nobody:
        return not there
    fitting = [
        face
        for face in there
        if (not rule.expressions or face.smoothed_label in rule.expressions)
        and face.smoothed[face.smoothed_label] >= rule.probability
    ]
    return len(fitting) >= rule.faces
