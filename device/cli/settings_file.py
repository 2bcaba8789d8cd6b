"""Settings of ``device run`` from a TOML file: every option by its name, the command line wins.

The options, their defaults and their help stand in ``device.cli.run`` alone; what a file may hold follows from them.
A value that nobody should read in the file is named by where it stands: ``mqtt = { file = "/etc/fer-edge/broker" }``
or ``mqtt = { env = "FER_EDGE_BROKER" }``.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import click

from device.cli.commands import Command, expected_of
from device.cli.settings_lines import SETTINGS, ReadFile, read_file, told_with_line
from device.errors import UsageError
from device.files import read_short
from device.service.credentials import FILES, handed_over
from device.sinks.rules import RULE_KEYS
from device.text import did_you_mean

NOT_SETTINGS = ("config", "help", "pictures")


class SettingsCommand(Command):
    """A command whose options may stand in a file: what is wrong with one is told with its line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with told_with_line(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with told_with_line(ctx):
            return super().invoke(ctx)


def apply_settings(context: click.Context, _option: click.Parameter, path: str | None) -> None:
    """Callback of ``--config``: make the file's values the defaults of the options that were not given."""
    if path is not None:
        read = context.meta[SETTINGS] = read_file(path)
        context.default_map = {**(context.default_map or {}), **values_of(read, context.command)}
        _refuse_misplaced(read, context.command)


def settings_of(command: click.Command) -> dict[str, click.Option]:
    """Return the options of ``command`` by the key that a file names them with, such as ``min-face``."""
    return {
        max(parameter.opts, key=len).removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in NOT_SETTINGS and not parameter.hidden
    }


def values_of(read: ReadFile, command: click.Command) -> dict[str, Any]:
    """Return what a file sets of ``command``, by parameter name, as click's default map has it.

    Raises UsageError in one line for a key that is no option, and a value of another kind than the option's.
    """
    known, values = settings_of(command), {}
    for written, value in read.document.items():
        key = written.replace("_", "-")
        if key == "rule":
            continue
        if key != written and key in read.document:
            raise UsageError(f"{read.at(key)} sets {key}, and again as {written}; leave one of them out")
        if key not in known:
            meant = _meant(key, value, known)
            raise UsageError(f"{read.at(key)} sets {written}, which is no option; {meant}")
        option = known[key]
        assert option.name is not None
        if value is False and isinstance(option.flag_value, str):
            continue  # such as `preview = false`
        values[option.name] = _value(read, key, value, option)
    return values


def _meant(key: str, value: Any, known: dict[str, click.Option]) -> str:
    """Return in words what somebody who wrote the unknown ``key`` may have meant."""
    if near := did_you_mean(key, (*known, "rule")):
        return near.rstrip()
    if key in RULE_KEYS:
        return "it belongs to a rule, below a line [[rule]]"
    if isinstance(value, dict):
        return "settings stand by their names alone, in no [table]"
    return f"there are: {', '.join(known)}"


def _refuse_misplaced(read: ReadFile, command: click.Command) -> None:
    """Raise UsageError for a setting below a rule, to which TOML counts it."""
    for number, rule in enumerate(read.rules, 1):
        for written in rule:
            key = written.replace("_", "-")
            if key in settings_of(command) and key not in RULE_KEYS:
                raise UsageError(
                    f"{read.at(key, number)}: {written} stands in a rule; it is a setting of the run: move it above "
                    "the first [[rule]]"
                )


def _value(read: ReadFile, key: str, value: Any, option: click.Option) -> Any:
    at = read.at(key)
    if isinstance(value, dict):
        value = _referred(at, key, value)
    elif f"--{key}" in FILES:
        value = handed_over(key) or value
    if option.multiple and not isinstance(value, list):
        value = [value]
    elif not option.multiple and isinstance(value, list):
        raise UsageError(f"{at}: {key} is a list; expected one value")
    if value is True and isinstance(option.flag_value, str):
        return option.flag_value  # such as `preview = true`
    for one in value if option.multiple else [value]:
        if expected := _unlike(one, option):
            raise UsageError(f"{at}: {key} is {json.dumps(one, default=str)}; expected {expected}")
        if one == "":
            raise UsageError(f"{at}: {key} is empty; {expected_of(option)}; leave the line out")
        if isinstance(one, str):
            _refuse_no_name(at, key, one)
    return value


def _unlike(value: Any, option: click.Option) -> str:
    """Return what ``option`` expects where ``value`` is of another kind, empty where it is of the right one."""
    if option.is_flag:
        return "" if isinstance(value, bool) else "true or false"
    for kind, number, expected in (
        (click.types.IntParamType, r"\s*[+-]?\d+\s*", "a whole number"),
        (click.types.FloatParamType, r"[\s\d.eE+-]+|\s*[+-]?(inf|nan)\s*", "a number"),
    ):
        if isinstance(option.type, kind):
            right = not isinstance(value, bool) and re.fullmatch(number, str(value))
            return "" if right else expected
    return "" if isinstance(value, str | int | float) and not isinstance(value, bool) else "text"


def _refuse_no_name(at: str, key: str, text: str) -> None:
    if "\0" in text:
        raise UsageError(f"{at}: {key} holds a NUL character, which no name has")
    if text.startswith("~"):
        whole = os.path.expanduser(text)
        raise UsageError(f"{at}: {key} is {text}; only a shell knows ~, write the whole path: {whole}")


def _referred(at: str, key: str, reference: dict[str, Any]) -> str:
    """Return the text of the file or the environment variable that ``reference`` names."""
    if [type(name) for name in reference.values()] != [str] or not {"file", "env"} & reference.keys():
        raise UsageError(f'{at}: {key} is a table; expected {{ file = "PATH" }} or {{ env = "NAME" }}')
    ((kind, name),) = reference.items()
    if kind == "env":
        if name not in os.environ:
            raise UsageError(f"{at}: {key} is to be read from ${name}, which is not set")
        return os.environ[name]
    _refuse_no_name(at, key, name)
    try:
        return read_short(handed_over(key) or name).strip()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"{at}: {key} is to be read from {name}: {said}") from error


def settings_lines(command: click.Command, settings: dict[str, Any]) -> Iterator[str]:
    """Yield a settings file with every option of ``command``: help, then value or, commented out, default."""
    for key, option in settings_of(command).items():
        yield f"# {' '.join((option.help or '').split())}"
        if option.name in settings:
            yield f"{key} = {_toml(settings[option.name])}"
        else:
            told = isinstance(option.default, str | int | float)
            default = option.default if told else False if option.is_flag else ""
            yield f"# {key} = {json.dumps(default)}"


def _toml(value: Any) -> str:
    """Return a string, number, boolean, list of them or a reference as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
