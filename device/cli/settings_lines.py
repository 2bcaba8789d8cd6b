"""A TOML file of settings, read with the line of each key, so that a message can tell where something wrong stands."""

import contextlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from device.cli.messages import PARAMETER
from device.errors import EdgeError, UsageError
from device.files import read_short
from device.sinks.rules import WrongRuleError

SETTINGS = "device.settings"  # where a context keeps the file of --config
HEADER = re.compile(r"""\s*\[\[?\s*["']?([\w-]+)""")
KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*[=.]""")
PLACE = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)")
TWICE = re.compile(r"Cannot (overwrite|declare|mutate|redefine)")


@dataclass(frozen=True)
class ReadFile:
    """The document of a settings file. ``lines``: by the rule's number, 0 outside of rules, and the key."""

    path: str
    document: dict[str, Any]
    lines: dict[tuple[int, str], int]

    @property
    def rules(self) -> tuple[dict[str, Any], ...]:
        """The tables of rules in their order."""
        return tuple(self.document.get("rule", []))

    def at(self, key: str, rule: int = 0) -> str:
        """Return where ``key`` is set, in words; else where its rule begins, else only the file."""
        line = self.lines.get((rule, key.replace("_", "-"))) or self.lines.get((rule, ""))
        return f"--config {self.path}" + (f" line {line}" if line else "")


def read_file(path: str) -> ReadFile:
    """Return the TOML file at ``path``; UsageError in one line where it is none, or ``rule`` is no list of tables."""
    try:
        text = read_short(path)
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}; expected a TOML file of settings") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"--config {path} line {line} is no text in UTF-8; save the file as UTF-8") from None
    try:
        document = tomllib.loads(text)
        repr(document)  # ValueError of a number that no message could show, as 0xf... of thousands of digits
    except RecursionError:
        raise UsageError(f"--config {path} is no TOML of settings: it is nested too deep") from None
    except ValueError as error:  # TOML's own, and a number of too many digits
        raise UsageError(_no_toml(path, text, str(error))) from error
    read = ReadFile(path, document, dict(reversed(list(key_lines(text)))))  # the first of several lines stays
    rules = read.document.get("rule", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        at = read.at("rule") if (0, "rule") in read.lines else read.at("", 1)
        raise UsageError(f"{at}: rule is no list of tables; expected a line [[rule]], and its settings below")
    return read


def key_lines(text: str) -> Iterator[tuple[tuple[int, str], int]]:
    """Yield each key, as the number of its rule, 0 outside of rules, and its name, with its line.

    A rule itself has the key ``""``. What stands in another table has none.
    """
    rule = rules = 0
    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.match(line):
            rules += header[1] == "rule"
            rule = rules if header[1] == "rule" else -1
            yield (rule, "") if rule > 0 else (0, header[1].replace("_", "-")), number
        elif rule >= 0 and (key := KEY.match(line)):
            yield (rule, key[1].replace("_", "-")), number


def _second(text: str) -> tuple[str, str] | None:
    """Return the first key that stands a second time, and its line there."""
    seen = set()
    for key, number in key_lines(text):
        if key in seen:
            return key[1], str(number)
        seen.add(key)
    return None


def _no_toml(path: str, text: str, said: str) -> str:
    """Return the line about a ``text`` that is no TOML, from what the parser ``said``."""
    place = PLACE.fullmatch(said)
    reason = place[1] if place else said.partition(";")[0]
    line = place[2] if place else None
    expected = 'expected lines such as size = "640x480", fps = 15, append = true'
    if reason == "Invalid value":
        expected = f"text stands in quotes; {expected}"
    elif TWICE.match(reason) and "'rule'" in reason:
        reason, expected = "rule stands twice", "every rule begins with [[rule]]"
    elif TWICE.match(reason):
        key, line = _second(text) or ("a key", line)
        reason, expected = f"{key} stands twice", "leave one of the two out"
    return f"--config {path}{f' line {line}' if line else ''} is no TOML: {reason}; {expected}"


@contextlib.contextmanager
def told_with_line(context: click.Context) -> Iterator[None]:
    """Let an error that a value of the settings file makes begin with the line where that stands."""
    try:
        yield
    except click.BadParameter as error:
        read, name = context.meta.get(SETTINGS), error.param.name if error.param else None
        if read is None or name is None or not set_by_file(context, name):
            raise
        raise UsageError(f"{read.at(name)}: {name.replace('_', '-')}: {error.message}") from error
    except EdgeError as error:
        read, said = context.meta.get(SETTINGS), str(error)
        if read is None or said.startswith("--config"):
            raise
        if isinstance(error, WrongRuleError):
            raise UsageError(f"{read.at(error.key, error.number)}: {said}") from error
        if (key := _named(context, read, said)) is None:
            raise
        raise type(error)(f"{read.at(key)}: {said}") from error


def _named(context: click.Context, read: ReadFile, said: str) -> str | None:
    """Return the key of the file that an error names as a parameter, else that whose value, such as a path, it holds.

    None where the file set neither.
    """
    for found in PARAMETER.finditer(said):
        if set_by_file(context, found[1]):
            return found[1]
    held = {str(value): key for key, value in read.document.items() if set(str(value)) & set("/.")}
    longest = max((value for value in held if value in said), key=len, default="")
    return held.get(longest)


def set_by_file(context: click.Context, name: str) -> bool:
    """Return whether it was the settings file that set the parameter ``name``."""
    return context.get_parameter_source(name) is ParameterSource.DEFAULT_MAP
