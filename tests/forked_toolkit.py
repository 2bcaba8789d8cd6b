"""``toolkit``, or a script, forked from a process that has imported TensorFlow and Matplotlib already: seconds less."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["toolkit.cli", "keras", "tensorflow", "toolkit.training.session", "toolkit.reporting.page"]
)


class ForkedToolkit:
    """``toolkit`` as its script would run it, here and with this environment; to be used like a ``Popen``.

    ``script``: a Python file that is run instead.
    """

    def __init__(self, *arguments: object, script: Path | None = None):
        self.args = [str(script or "toolkit"), *map(str, arguments)]
        self._folder = tempfile.TemporaryDirectory()
        self._streams = [Path(self._folder.name, name) for name in ("out", "err")]
        state = (self.args, self._streams, os.getcwd(), dict(os.environ))
        self._process = SERVER.Process(target=_run, args=state)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for the end and return what was written; TimeoutExpired if it does not end."""
        self._process.join(timeout)
        if self.returncode is None:
            self.kill()
            raise subprocess.TimeoutExpired(self.args, timeout)
        out, err = (path.read_text() for path in self._streams)
        self._folder.cleanup()
        return out, err


def forked_toolkit(*arguments: object, script: Path | None = None) -> subprocess.CompletedProcess:
    """Run ``toolkit``, or ``script``, and return the finished process."""
    process = ForkedToolkit(*arguments, script=script)
    out, err = process.communicate(300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _run(command: list[str], streams: list[Path], folder: str, environment: dict[str, str]) -> None:
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    if command[0].endswith(".py"):
        # What the tests alone can import is out of a script's reach.
        installed = [
            path
            for path in sys.path
            if Path(path).name == "site-packages" or path.startswith(sys.base_prefix)
        ]
        sys.path[:] = [str(Path(command[0]).parent), *environment["PYTHONPATH"].split(os.pathsep), *installed]
        runpy.run_path(command[0], run_name="__main__")
        return
    from toolkit.cli import main

    main()
