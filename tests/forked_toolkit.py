"""``toolkit`` forked from a process that has imported TensorFlow already: seconds less a command than a new one."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["toolkit.cli", "keras", "tensorflow"])


def forked_toolkit(*arguments: str | Path) -> subprocess.CompletedProcess:
    """Run ``toolkit`` as its script would, here and with this environment, and return the finished process."""
    command = ["toolkit", *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, "out"), Path(folder, "err")]
        process = SERVER.Process(target=_run, args=(command, streams, os.getcwd(), dict(os.environ)))
        process.start()
        process.join(300)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(command, 300)
        return subprocess.CompletedProcess(command, process.exitcode, *(path.read_text() for path in streams))


def _run(command: list[str], streams: list[Path], folder: str, environment: dict[str, str]) -> None:
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    from toolkit.cli import main

    main()
