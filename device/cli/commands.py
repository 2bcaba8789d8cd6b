"""How both command lines are put together: commands loaded when asked for, none of which takes an empty value."""

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from device.cli.ending import CLOSED
from device.errors import EXIT_WRONG_USE, EdgeError
from device.text import nearest

FIRST_SENTENCE = 1000  # characters of a command's help that a list of commands shows: all of the sentence
HELP = {"help_option_names": ["-h", "--help"]}


class Command(click.Command):
    """A click command that refuses what is given as "", as an unset "$VARIABLE" gives it: nobody asks for that."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            given, *_ = self.make_parser(ctx).parse_args(list(args))
            for parameter in self.get_params(ctx):
                _refuse_empty(parameter, given, ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if "stdout" in CLOSED and (ctx.params.get("as_json") or ctx.params.get("output") == "-"):
            raise EdgeError("standard output is closed, and what is asked for goes there; send it to a file")
        return super().invoke(ctx)


class LazyGroup(click.Group):
    """A click group whose commands are imported on first use; ``lazy`` maps a name to ``module:attribute``.

    Without arguments it prints its help and exits 2: click 8.2 would turn the help into an error's message.
    """

    command_class = Command

    def __init__(self, *args: Any, lazy: dict[str, str] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(EXIT_WRONG_USE)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where one is interrupted, click prints an empty line, which only a terminal's ^C needs."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                raise
            raise click.Abort from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command named first in ``args``; for an unknown one, say what was probably meant, or all."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            names = self.list_commands(ctx)
            near = nearest(args[0], names)
            meant = f"Did you mean '{near}'?" if near else f"There are: {', '.join(names)}."
            ctx.fail(f"No such command '{args[0]}'. {meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first sentence of each, whole: click's own list cuts it off."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(FIRST_SENTENCE)) for name, command in commands if command]
            )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self.lazy[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


def _refuse_empty(parameter: click.Parameter, given: Mapping[str, Any], ctx: click.Context) -> None:
    """Raise UsageError if ``parameter`` is "", as ``given`` or in its environment variable."""
    value, variable = given.get(parameter.name or ""), parameter.envvar
    if parameter.type is click.UNPROCESSED:  # for another command, which looks itself
        return
    if "" in (value if isinstance(value, list | tuple) else [value]):
        named = max(parameter.opts, key=len)
        called = named if named.startswith("-") else parameter.human_readable_name.strip("[].")
        remedy = "give a value" if parameter.required else "give a value, or leave it out"
    elif parameter.name not in given and isinstance(variable, str) and os.environ.get(variable) == "":
        called, remedy = f"${variable}", "give a value, or unset it"
    else:
        return
    raise click.UsageError(f"{called} is empty; {expected_of(parameter)}; {remedy}", ctx)


def expected_of(parameter: click.Parameter) -> str:
    """Return in words what a value of ``parameter`` looks like."""
    if isinstance(parameter.type, click.Choice):
        return f"expected one of {', '.join(parameter.type.choices)}"
    if isinstance(parameter, click.Argument):
        return "expected a name"
    return f"expected {parameter.metavar or parameter.type.name}"
