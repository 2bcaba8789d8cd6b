"""The options that commands share, and the types of their values."""

import logging
import math
import sys
from collections.abc import Callable
from typing import Any

import click

from device.cli.messages import PACKAGES
from device.model.delegates import DELEGATES

MOST_THREADS = 64  # a board has four cores; some millions end the whole system


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


def _quieten(_context: click.Context, _option: click.Parameter, quiet: bool) -> bool:
    if quiet:
        for name in PACKAGES:
            logging.getLogger(name).setLevel(logging.WARNING)
    return quiet


def output_options(
    json: bool = True,
    quiet: str | None = "Print only warnings and errors.",
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
