"""Something happens when an expression appears: rules over the calm labels of faces that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device.errors import UsageError
from device.sinks import LONGEST_TOPIC, fit_topic
from device.text import did_you_mean, printable

if TYPE_CHECKING:
    from device.results import FrameResult

LONGEST_S = 86_400.0
LARGEST_GPIO = 27  # of a Raspberry Pi's header, in BCM numbers
# The keys of a [[rule]] table and the fields of Rule that they set.
RULE_KEYS = {
    "name": "name",
    "expression": "expressions",
    "probability": "probability",
    "faces": "faces",
    "nobody": "nobody",
    "held-for": "held_s",
    "cool-down-s": "cool_down_s",
    "command": "command",
    "mqtt": "mqtt",
    "gpio": "gpio",
    "pulse-s": "pulse_s",
}
SECONDS = (float, 0, LONGEST_S, f"a number of seconds from 0 to {LONGEST_S:g}")
# Those that are numbers: their type, the least and the greatest, and both in words. Those that are texts, one or more.
NUMBERS: dict[str, tuple[type[int | float], float, float, str]] = {
    "probability": (float, 0, 1, "a number from 0 to 1"),
    "faces": (int, 1, 20, "a whole number from 1 to 20"),
    "held-for": SECONDS,
    "cool-down-s": SECONDS,
    "pulse-s": SECONDS,
    "gpio": (int, 0, LARGEST_GPIO, f"a whole number from 0 to {LARGEST_GPIO}, the pin in BCM numbers"),
}
TEXTS = ("expression", "command")


class WrongRuleError(UsageError):
    """A rule that is wrong: the ``number`` of its table, from 1, and the ``key`` at fault, empty for the whole."""

    def __init__(self, message: str, number: int, key: str = ""):
        super().__init__(message)
        self.number, self.key = number, key


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

    ``broker``: whether there is one for messages. WrongRuleError in one line for an unknown key, a wrong value, and a
    rule that can never fire or does nothing.
    """
    rules: list[Rule] = []
    for number, document in enumerate(documents, 1):
        rule = _parsed(document, number, labels)
        if rule.mqtt and not broker:
            raise WrongRuleError(
                f"{rule.called} publishes {rule.mqtt}, but there is no `mqtt` broker; name one",
                number,
                "mqtt",
            )
        if any(other.name == rule.name for other in rules):
            raise WrongRuleError(f"two rules are called '{rule.name}'; name each once", number, "name")
        rules.append(rule)
    return tuple(rules)


def _parsed(document: Mapping[str, Any], number: int, labels: Sequence[str]) -> Rule:
    called = f"rule {document.get('name', number)}"
    values: dict[str, Any] = {"name": f"rule {number}"}
    for written, value in document.items():
        key = written.replace("_", "-")
        if key not in RULE_KEYS:
            meant = did_you_mean(key, RULE_KEYS).rstrip() or f"there are: {', '.join(RULE_KEYS)}"
            raise WrongRuleError(f"{called} has no setting {written}; {meant}", number, written)
        expected = _unlike(key, value)
        if expected:
            said = f"{called}: {written} is {printable(repr(value), 40)}; expected {expected}"
            raise WrongRuleError(said, number, written)
        values[RULE_KEYS[key]] = _held(key, value)
    rule = Rule(**values)
    if wrong := _never(rule, labels):
        raise WrongRuleError(f"{called} {wrong[0]}", number, wrong[1])
    return rule


def _held(key: str, value: Any) -> Any:
    """Return the checked ``value`` of ``key`` in the type of its field."""
    if key in NUMBERS:
        return NUMBERS[key][0](value)
    if key in TEXTS:
        return (value,) if isinstance(value, str) else tuple(value)
    return value


def _unlike(key: str, value: Any) -> str:
    """Return what ``key`` expects where ``value`` is of another type or out of range, empty where it is right."""
    if key in NUMBERS:
        kind, lowest, highest, expected = NUMBERS[key]
        number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        return "" if number and lowest <= value <= highest else expected
    if key in TEXTS:
        parts = [value] if isinstance(value, str) else value
        right = isinstance(parts, list) and parts and all(isinstance(part, str) and part for part in parts)
        if not right:
            return "text, or a list of texts"
        return "the whole path; only a shell knows ~" if parts[0].startswith("~") else ""
    if key == "nobody":
        return "" if isinstance(value, bool) else "true or false"
    if not isinstance(value, str) or not value:
        return "text"
    wrong = key == "mqtt" and not fit_topic(value)
    return f"a topic without + and #, printable, {LONGEST_TOPIC} bytes at most" if wrong else ""


def _never(rule: Rule, labels: Sequence[str]) -> tuple[str, str] | None:
    """Return why a rule can never fire, or does nothing, and the key at fault."""
    unknown = next((name for name in rule.expressions if name not in labels), None)
    if unknown is not None:
        meant = did_you_mean(unknown.lower(), labels).rstrip() or f"it knows {', '.join(labels)}"
        return f"can never fire: the model knows no '{unknown}'; {meant}", "expression"
    if rule.nobody and (rule.expressions or rule.probability or rule.faces > 1):
        return "can never fire: nobody has no expression; leave one of the two out", "nobody"
    if not rule.actions():
        return "does nothing; add command, mqtt or gpio", ""
    return None


class RuleEngine:
    """Tells which rules fire at each result; times are those of the frames, so that a film gives the same events."""

    def __init__(self, rules: Sequence[Rule]):
        self.rules = tuple(rules)
        self._since_s: dict[str, float] = {}
        self._fired_s: dict[str, float] = {}

    def fired(self, result: "FrameResult") -> list[Rule]:
        """Return the rules that fire with this result, in their order."""
        now_s = result.frame.time_s
        return [rule for rule in self.rules if self._fires(rule, result, now_s)]

    def _fires(self, rule: Rule, result: "FrameResult", now_s: float) -> bool:
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


def holds(rule: Rule, result: "FrameResult") -> bool:
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
