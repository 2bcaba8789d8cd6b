"""What commands say on standard error: a line each, of errors, of warnings and of what is logged."""

import logging
import os
import re
import select
import sys

from device.text import printable

PACKAGES = ("device", "toolkit")
PARAMETER = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]+))?`")
FULL_MS = 200


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
