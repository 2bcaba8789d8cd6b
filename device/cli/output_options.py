"""The options that commands share: what they print, what they may replace."""

import logging
import math
import os
import re
import select
import sys
from collections.abc import Callable
from typing import Any

import click

from device.model.delegates import DELEGATES
from device.text import printable

PACKAGES = ("device", "toolkit")
PARAMETER = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]+))?`")
FULL_MS = 200
MOST_THREADS = 64  # a board has four cores; some millions end the whole system


def as_options(text: str) -> str:
    """Return a message of the library as the command line says it: every parameter in backquotes as an option.

    >>> as_options("a.json exists already; pass `overwrite` to replace it, or `detector=haar`")
    'a.json exists already; pass --overwrite to replace it, or --detector haar'
    """
    return PARAMETER.sub(
        lambda found: f"--{found[1].replace('_', '-')}" + (f" {found[2]}" if found[2] else ""), text
    )


class OneLine(logging.Formatter):
    """``error: …`` for what a run lost, ``warning: …`` for what it survives, else as it is; a record is one line."""

    def format(self, record: logging.LogRecord) -> str:
        line = printable(as_options(" ".join(record.getMessage().split())))
        if record.levelno < logging.WARNING:
            return journal_level(logging.INFO) + line
        kind = "error" if record.levelno >= logging.ERROR else "warning"
        return f"{journal_level(record.levelno)}{kind}: {line}"


class StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error as it is at each record; a reader of it that went away, or does not read, stops nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record, unless standard error is full for ``FULL_MS``."""
        if _takes_a_line():
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the record: nothing reads standard error any more."""


delegate_option = click.option(
    "--delegate",
    type=click.Choice(list(DELEGATES)),
    help="Run the model on this accelerator, by LiteRT's delegate.  [default: on the processor]",
)


class Whole(click.IntRange):
    """A whole number within bounds, called so in messages; none that takes over 64 bits."""

    name = "whole number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number: int = super().convert(value, param, ctx)
        if number > sys.maxsize:
            self.fail(f"a number of {len(str(value))} digits is too large.", param, ctx)
        return number

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "NUMBER"


class Number(click.FloatRange):
    """A number within bounds; ``nan``, which no bound keeps out, is refused."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number: float = super().convert(value, param, ctx)
        except OverflowError:
            self.fail(f"a number of {len(str(value))} digits is too large.", param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number


def journal_level(level: int) -> str:
    """Return what systemd's journal reads a line's level from (sd-daemon(3)), where standard error goes there."""
    try:
        there = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):  # no file behind it
        return ""
    if os.environ.get("JOURNAL_STREAM") != f"{there.st_dev}:{there.st_ino}":
        return ""
    return "<3>" if level >= logging.ERROR else "<4>" if level >= logging.WARNING else "<6>"


def _takes_a_line() -> bool:
    try:
        ready = select.poll()
        ready.register(sys.stderr.fileno(), select.POLLOUT)
        return bool(ready.poll(FULL_MS))
    except (OSError, ValueError, AttributeError):  # no file behind it: nothing can be full
        return True


def log_to_standard_error() -> None:
    """Show what both packages log from INFO on; ``-q`` raises that to WARNING."""
    handler = StandardError()
    handler.setFormatter(OneLine())
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)


def _quieten(_context: click.Context, _option: click.Parameter, quiet: bool) -> bool:
    if quiet:
        for name in PACKAGES:
            logging.getLogger(name).setLevel(logging.WARNING)
    return quiet


def output_options(
    json: bool = True,
    quiet: str | None = "Print nothing but errors.",
    overwrite: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command ``--overwrite``, ``--json`` (``as_json``) and ``-q/--quiet``.

    ``quiet`` and ``overwrite`` are the options' help; None leaves the option out.

    >>> @click.command()
    ... @output_options(overwrite="Replace an existing --out.")
    ... def measure(overwrite, as_json, quiet): ...
    """
    options = []
    if overwrite:
        options.append(click.option("--overwrite", is_flag=True, help=overwrite))
    if json:
        options.append(click.option("--json", "as_json", is_flag=True, help="Print one JSON document."))
    if quiet:
        options.append(click.option("-q", "--quiet", is_flag=True, callback=_quieten, help=quiet))

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
