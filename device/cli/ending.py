"""How a command line runs and ends: every error in one line on standard error, exit 0, 1 or 2."""

import atexit
import contextlib
import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

import click

from device.cli.messages import as_options, journal_level, log_to_standard_error
from device.errors import EXIT_FAILED, EXIT_WRONG_USE, EdgeError, UsageError
from device.text import nearest, printable

# Set FER_EDGE_DEBUG=1 to see the traceback behind an error line.
DEBUG_VARIABLE = "FER_EDGE_DEBUG"
WHEEL = "fer_edge-VERSION-py3-none-any.whl"
OF_REPORT = ("rich", "jinja2", "matplotlib")  # packages of the small extra [report]
OF_ONE_USE = {"optuna": "sweep", "mlflow": "mlflow"}  # packages of extras that one command, or option, needs
LONGEST_LINE = 10_000  # characters of an error: two paths of the longest kind have 8,000
CLOSED: set[str] = set()  # names of the standard streams that the launcher closed


def run_command_line(group: click.Group, name: str) -> None:
    """Run ``group`` as the program ``name`` and exit as ``run_script`` does."""
    _open_standard_streams()
    log_to_standard_error()
    run_script(lambda: group.main(prog_name=name, standalone_mode=False), name)


def _open_standard_streams() -> None:
    """Lead a standard stream that the launcher closed to /dev/null: the next file opened would take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            CLOSED.add(name)
            nothing = os.open(os.devnull, os.O_RDWR)  # the least that is free
            os.set_inheritable(nothing, True)
            setattr(sys, name, open(nothing, mode, errors="backslashreplace"))  # noqa: SIM115


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
    except BrokenPipeError:
        _drop_stdout()
        sys.exit(EXIT_FAILED)
    except (Exception, KeyboardInterrupt) as error:  # the last line of defence: a user never sees a traceback
        wrong_use = isinstance(error, UsageError | click.UsageError)
        fail(_said_of(error, name), EXIT_WRONG_USE if wrong_use else EXIT_FAILED)
    finally:  # the outcome stands; libraries that take their time to unload must not turn it into another
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    sys.exit(code if isinstance(code, int) else 0)


def _said_of(error: BaseException, name: str) -> str:
    """Return the line for ``error``, which ended the program ``name``."""
    if isinstance(error, click.UsageError):
        return _of_wrong_use(error, name)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, EdgeError):
        return as_options(str(error))
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, ModuleNotFoundError):
        return (
            f"this command needs the package '{error.name}', which is not installed; "
            f"on the host: {_way_to_install(error.name)}"
        )
    if isinstance(error, MemoryError):
        return (
            f"not enough memory ({str(error) or type(error).__name__}); ask for less, or end other programs"
        )
    if isinstance(error, click.Abort):  # of Ctrl-C, or of an EOFError, which is a file that ends too early
        error = error.__cause__ or error
    return "interrupted" if _is_interrupt(error) else _unexpected(error)


def _of_wrong_use(error: click.UsageError, name: str) -> str:
    """Return what click says, of an option that is not there the nearest that is, and where help is."""
    if isinstance(error, click.NoSuchOption):
        near = nearest(error.option_name, _shown_options(error.ctx))
        error = click.NoSuchOption(error.option_name, possibilities=[near] if near else None, ctx=error.ctx)
    context = error.ctx.command_path if error.ctx else name
    return f"{error.format_message()}{_meant(error)} (see '{context} --help')"


def _shown_options(context: click.Context | None) -> list[str]:
    """Return the options that a command's help shows."""
    return [
        name
        for parameter in (context.command.params if context else [])
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
    ]


def _meant(error: click.UsageError) -> str:
    """Return a suggestion where an option is missing and the command is followed by what may be its value, bare."""
    if not isinstance(error, click.MissingParameter) or not isinstance(error.param, click.Option):
        return ""
    bare = sys.argv[2] if len(sys.argv) > 2 else "-"
    return "" if bare.startswith("-") else f" Did you mean {error.param.opts[0]} {bare}?"


def _of_system(error: OSError) -> str:
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
    while error is not None and not isinstance(error, KeyboardInterrupt | click.Abort):
        error = error.__cause__
    return error is not None


def _unexpected(error: BaseException) -> str:
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
