"""What child processes need and how they end."""

import contextlib
import os
import resource
import signal
import subprocess
import sys


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module`` of this Python, in ``child_environment``; a file of the same name in the
    current folder is not taken for it."""
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """Return the environment in which a child's Python imports what this one does, wherever that lies."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}


def limit_memory(most_bytes: int) -> None:
    """Let this process take so much address space more than it has taken, write no file and leave no core dump."""
    with open("/proc/self/statm") as handle:
        taken = int(handle.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + most_bytes, taken + most_bytes))
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))


def fate_of(code: int) -> str:
    """Return in words how a process of this return code ended."""
    if code == -signal.SIGXCPU:
        return "it took too much processor time"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"it died of {signal.Signals(-code).name}"
    return f"it ended with status {code}"


def last_line(*told: str) -> str:
    """Return the last line of the first text of ``told`` that holds one, without ``error:`` before it; '' of none."""
    for text in told:
        if lines := text.strip().splitlines():
            return lines[-1].strip().removeprefix("error: ")
    return ""


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Return why a process failed: its last line, on standard error or else on standard output, else how it ended."""
    return last_line(done.stderr, done.stdout) or fate_of(done.returncode)
