"""Settings of ``device run`` from a TOML file: every option by its name, the command line wins.

The options, their defaults and their help stand in ``device.cli.run`` alone; what a file may hold follows from them.
A value that nobody should read in the file is named by where it stands: ``mqtt = { file = "/etc/fer-edge/broker" }``
or ``mqtt = { env = "FER_EDGE_BROKER" }``.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import click

from device.errors import UsageError
from device.files import read_short

RULES = "device.rules"  # where the context keeps the [[rule]] tables of the file
NOT_SETTINGS = ("config", "help", "pictures")


def settings_of(command: click.Command) -> dict[str, click.Option]:
    """Return the options of ``command`` by the key that a file names them with, such as ``min-face``."""
    return {
        max(parameter.opts, key=len).removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in NOT_SETTINGS and not parameter.hidden
    }


def read_settings(path: str, command: click.Command) -> dict[str, Any]:
    """Return what the file at ``path`` sets of ``command``, by parameter name, as click's default map has it.

    Raises UsageError in one line for a file that is missing or no TOML, and for a key that is no option.
    """
    document = read_toml(path)
    known = settings_of(command)
    settings = {}
    document.pop("rule", None)
    for written, value in document.items():
        key = written.replace("_", "-")
        if key not in known:
            near = difflib.get_close_matches(key, (*known, "rule"), 1)
            meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            at = _line_of(path, written)
            raise UsageError(f"--config {path}{at} sets {written}, which is no option; {meant}")
        option = known[key]
        assert option.name is not None
        settings[option.name] = _value(path, key, value, option)
    return settings


def read_rules(path: str) -> tuple[dict[str, Any], ...]:
    """Return the ``[[rule]]`` tables of the file at ``path``; UsageError where ``rule`` is something else."""
    rules = read_toml(path).get("rule", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise UsageError(
            f"--config {path}: rule is no table; expected [[rule]] and its settings in the lines below"
        )
    return tuple(rules)


def read_toml(path: str) -> dict[str, Any]:
    """Return the TOML document at ``path``; UsageError where there is none."""
    try:
        return tomllib.loads(read_short(path))
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}; expected a TOML file of settings") from error
    except RecursionError:
        raise UsageError(f"--config {path} is no TOML of settings: it is nested too deep") from None
    except ValueError as error:  # TOML's own, a byte that is no UTF-8, a number of too many digits
        raise UsageError(f"--config {path} is no TOML: {str(error).partition(';')[0]}") from error


def _line_of(path: str, key: str) -> str:
    """Return `` line N`` for the first line that sets ``key`` or opens its table; nothing where none is seen to."""
    begun = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    lines = read_short(path).splitlines()
    return next((f" line {number}" for number, line in enumerate(lines, 1) if begun.match(line)), "")


def _value(path: str, key: str, value: Any, option: click.Option) -> Any:
    if isinstance(value, dict):
        value = _referred(path, key, value)
    if isinstance(value, str) and "\0" in value:
        raise UsageError(f"--config {path}: {key} holds a NUL character, which no name has")
    if option.is_flag and not isinstance(value, bool):
        raise UsageError(f"--config {path}: {key} is {json.dumps(value)}; expected true or false")
    if option.multiple and not isinstance(value, list):
        return [value]
    if not option.multiple and isinstance(value, list | dict):
        raise UsageError(f"--config {path}: {key} is a list; expected one value")
    return value


def _referred(path: str, key: str, reference: dict[str, Any]) -> str:
    """Return the text of the file or the environment variable that ``reference`` names."""
    if [type(name) for name in reference.values()] != [str] or not {"file", "env"} & reference.keys():
        raise UsageError(
            f'--config {path}: {key} is a table; expected {{ file = "PATH" }} or {{ env = "NAME" }}'
        )
    ((kind, name),) = reference.items()
    if kind == "env":
        if name not in os.environ:
            raise UsageError(f"--config {path}: {key} is to be read from ${name}, which is not set")
        return os.environ[name]
    try:
        return read_short(name).strip()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"--config {path}: {key} is to be read from {name}: {said}") from error


def apply_settings(context: click.Context, _option: click.Parameter, path: str | None) -> None:
    """Callback of ``--config``: make the file's values the defaults of the options that were not given."""
    if path is not None:
        context.default_map = {**(context.default_map or {}), **read_settings(path, context.command)}
        context.meta[RULES] = read_rules(path)


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
