"""``device run`` with its defaults, seen by the kernel: no pixel is written, nothing is connected to."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = Path(sys.executable).with_name("device")
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = "openat,open,creat,write,pwrite64,writev,sendto,sendmsg,sendmmsg,connect,bind,socket,memfd_create,rename,mkdir"
OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)", ([A-Z_|0-9]+).*\) = (\d+)')
WRITTEN = re.compile(r"(?:write|pwrite64|writev|sendto|sendmsg|sendmmsg)\((\d+)(?:<([^>]*)>)?.*= (\d+)$")


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("traced")
    trace = folder / "trace"
    command = [
        "strace",
        "-f",
        "-y",
        "-o",
        trace,
        "-e",
        f"trace={CALLS}",
        DEVICE,
        "run",
        "--source",
        "demo:60",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    assert "60 frames" in done.stdout
    return trace.read_text().splitlines()


def test_nothing_is_opened_to_be_written(calls):
    opened = [found.groups() for line in calls if (found := OPENED.search(line))]
    assert len(opened) > 50  # the trace saw the program
    written = {path for path, flags, _ in opened if re.search("O_WRONLY|O_RDWR|O_CREAT", flags)}
    assert written <= {"/dev/null", "/dev/tty"}


def test_what_is_written_is_less_than_one_face(calls):
    """A line a second for the person at the terminal, and what wakes a thread: 48 x 48 pixels would not fit into it."""
    amounts: dict[str, int] = {}
    for line in calls:
        if found := WRITTEN.search(line):
            place = found[2] or found[1]
            amounts[place] = amounts.get(place, 0) + int(found[3])
    assert amounts
    assert max(amounts.values()) < 48 * 48, amounts


def test_no_connection_is_made(calls):
    sockets = [line for line in calls if re.search(r"\b(socket|connect|bind)\(", line)]
    assert [line for line in sockets if "AF_INET" in line or "AF_NETLINK" in line] == []
