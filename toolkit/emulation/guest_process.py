"""Running a Python program on the emulated core of a board."""

import fcntl
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from device.errors import EdgeError
from toolkit.emulation.boards import Board

TIME_LIMIT_S = 600


def run_guest(
    board: Board,
    tree: Path,
    arguments: Sequence[str | Path],
    python_path: Sequence[Path],
    counting: bool = False,
    home: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the tree's Python with ``arguments`` on the board's core; modules come from ``python_path``, on the host.

    ``counting``: marks in the program print the instructions so far (counter.c). ``home``: where the program finds
    the user's files; the tree, which has none, unless given. Raises EdgeError after ``TIME_LIMIT_S``.
    """
    command = ["qemu-aarch64", "-L", str(tree), "-cpu", board.core]
    if counting:
        command += ["-plugin", str(tree / "counter.so")]
    # The seed of hashing and one thread make counts repeatable.
    home = home or tree
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": ":".join(map(str, python_path)),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "PYTHONPYCACHEPREFIX": str(home / ".pycache"),
    }
    command += [str(tree / "usr/bin/python3"), *map(str, arguments)]
    with open(tree / "lock", "w") as lock:
        # The tree has one /proc/cpuinfo: one board at a time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        (tree / "proc/cpuinfo").write_text(board.cpuinfo())
        try:
            return subprocess.run(
                command, capture_output=True, text=True, timeout=TIME_LIMIT_S, env=environment
            )
        except subprocess.TimeoutExpired:
            raise EdgeError(
                f"the emulated {board.name} did not finish {Path(arguments[0]).name} in {TIME_LIMIT_S} s"
            ) from None
