"""How both command lines are put together: commands loaded when asked for, errors turned into one line."""

import atexit
import contextlib
import difflib
import errno
import importlib
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import click

from device.cli.messages import as_options, journal_level, log_to_standard_error
from device.errors import EXIT_FAILED, EXIT_WRONG_USE, EdgeError, UsageError
from device.text import printable

# Set FER_EDGE_DEBUG=1 to see the traceback behind an error line.
DEBUG_VARIABLE = "FER_EDGE_DEBUG"
WHEEL = "fer_edge-VERSION-py3-none-any.whl"
OF_REPORT = ("rich", "jinja2", "matplotlib")  # packages of the small extra [report]
OF_ONE_USE = {"optuna": "sweep", "mlflow": "mlflow"}  # packages of extras that one command, or option, needs
LONGEST_LINE = 10_000  # characters of an error: two paths of the longest kind have 8,000
FIRST_SENTENCE = 1000  # characters of it that a list of commands shows: all
HELP = {"help_option_names": ["-h", "--help"]}
CLOSED: set[str] = set()  # names of the standard streams that the launcher closed


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
            near = difflib.get_close_matches(args[0], names, 1)
            meant = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names)}."
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


def run_command_line(group: click.Group, name: str) -> None:
    """Run ``group`` as the program ``name`` and exit as ``run_script`` does."""
    _open_standard_streams()
    log_to_standard_error()
    run_script(lambda: group.main(prog_name=name, standalone_mode=False), name)


@contextlib.contextmanager
def _cleared_away() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the body as Ctrl-C does, so that partial files and child processes go; then they
    end the process as they do anyway, a second one at once. What is ignored already stays ignored (nohup)."""
    came: list[int] = []

    def interrupt(number: int, _frame: object) -> NoReturn:
        came.append(number)
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    ours = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
        if came:
            signal.raise_signal(came[0])


@_cleared_away()
def run_script(main: Callable[[], object], name: str = "the script") -> NoReturn:
    """Run ``main`` and exit: 0 done, or the number that it returns; 1 failed, 2 wrong use, with one line on standard
    error."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a locale that knows ASCII alone must not end a command
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main()
    except click.UsageError as error:
        if isinstance(error, click.NoSuchOption):
            error = click.NoSuchOption(error.option_name, possibilities=_nearest(error), ctx=error.ctx)
        context = error.ctx.command_path if error.ctx else name
        fail(f"{error.format_message()}{_meant(error)} (see '{context} --help')", EXIT_WRONG_USE)
    except click.ClickException as error:
        fail(error.format_message(), EXIT_FAILED)
    except UsageError as error:
        fail(as_options(str(error)), EXIT_WRONG_USE)
    except EdgeError as error:
        fail(as_options(str(error)), EXIT_FAILED)
    except (KeyboardInterrupt, click.Abort) as error:
        # click says Abort of an EOFError too, which is a file that ends too early.
        why = error.__cause__
        fail(_unexpected(why) if isinstance(why, EOFError) else "interrupted", EXIT_FAILED)
    except BrokenPipeError:
        _drop_stdout()
        sys.exit(EXIT_FAILED)
    except OSError as error:
        fail(_said_of(error), EXIT_FAILED)
    except ModuleNotFoundError as error:
        fail(
            f"this command needs the package '{error.name}', which is not installed; "
            f"on the host: {_way_to_install(error.name)}",
            EXIT_FAILED,
        )
    except MemoryError as error:
        fail(
            f"not enough memory ({str(error) or type(error).__name__}); ask for less, or end other programs",
            EXIT_FAILED,
        )
    except Exception as error:  # the last line of defence: a user never sees a traceback
        fail("interrupted" if _is_interrupt(error) else _unexpected(error), EXIT_FAILED)
    finally:  # the outcome stands; libraries that take their time to unload must not turn it into another
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    sys.exit(code if isinstance(code, int) else 0)


def _nearest(error: click.NoSuchOption) -> list[str]:
    """Return the one option of the command's help that is nearest to the unknown one; none where none is near."""
    parameters = error.ctx.command.params if error.ctx else []
    shown = [
        name
        for parameter in parameters
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
    ]
    return difflib.get_close_matches(error.option_name, shown, 1)


def _open_standard_streams() -> None:
    """Lead a standard stream that the launcher closed to /dev/null: the next file opened would take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            CLOSED.add(name)
            nothing = os.open(os.devnull, os.O_RDWR)  # the least that is free
            os.set_inheritable(nothing, True)
            setattr(sys, name, open(nothing, mode, errors="backslashreplace"))  # noqa: SIM115


def _meant(error: click.UsageError) -> str:
    """Return a suggestion where an option is missing and the command is followed by what may be its value, bare."""
    if not isinstance(error, click.MissingParameter) or not isinstance(error.param, click.Option):
        return ""
    bare = sys.argv[2] if len(sys.argv) > 2 else "-"
    return "" if bare.startswith("-") else f" Did you mean {error.param.opts[0]} {bare}?"


def _said_of(error: OSError) -> str:
    """Return the line for what the system refused: a file that it names, or, unnamed, more to write."""
    if error.filename is not None:
        return f"cannot use {error.filename}: {error.strerror}; check the name, or who may read and write it"
    if error.errno == errno.ENOENT and os.stat(".").st_nlink == 0:
        return "the folder that this command was started in is gone; change to one that is there"
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return _unexpected(error)
    try:
        sys.stdout.flush()
    except OSError:
        _drop_stdout()
    return f"cannot write: {error.strerror}; free space, or send the output elsewhere"


def _way_to_install(package: str | None) -> str:
    """Return how a package that is missing is installed."""
    if package in OF_ONE_USE:
        return f'pip install "{WHEEL}[toolkit,{OF_ONE_USE[package]}]"'
    setup = "make setup in the checkout, or pip install"
    if package in OF_REPORT:
        return f'{setup} "{WHEEL}[report]", and "{WHEEL}[toolkit]" to train and quantize'
    return f'{setup} "{WHEEL}[toolkit]"'


def _drop_stdout() -> None:
    """Let Python's own flush at the end succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether an interrupt is behind ``error``: a library that is being loaded makes an ImportError of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {error}; set {DEBUG_VARIABLE}=1 for the traceback"


def fail(message: str, code: int) -> NoReturn:
    """Print ``error: message`` in one line on standard error and exit with ``code``."""
    if os.environ.get(DEBUG_VARIABLE) and sys.exc_info()[1] is not None:
        import traceback

        traceback.print_exc()
    said = " ".join(message.split())
    if len(said) > LONGEST_LINE:  # a value of some file in it
        said = f"{said[: LONGEST_LINE // 2]} … {said[-LONGEST_LINE // 2 :]}"
    print(journal_level(logging.ERROR) + "error: " + printable(said), file=sys.stderr)
    sys.exit(code)
