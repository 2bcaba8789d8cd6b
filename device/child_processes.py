"""What child processes need and how they end."""

import contextlib
import os
import signal
import sys


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module`` of this Python, in ``child_environment``; a file of the same name in the
    current folder is not taken for it."""
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """Return the environment in which a child's Python imports what this one does, wherever that lies."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}


def fate_of(code: int) -> str:
    """Return in words how a process of this return code ended."""
    if code == -signal.SIGXCPU:
        return "it took too much processor time"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"it died of {signal.Signals(-code).name}"
    return f"it ended with status {code}"
