"""SIGTERM and SIGHUP end a command as they end any program, and nothing half-written is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SIGNALS = [signal.SIGTERM, signal.SIGHUP]
WRITING = """
import click, time
from device.cli.commands import LazyGroup
from device.cli.ending import run_command_line
from device.files import whole_file

def write():
    try:
        with whole_file("new/deeper/one.txt") as partial:
            partial.write_text("half")
            print("writing", flush=True)
            time.sleep({seconds})
    except KeyboardInterrupt as interrupt:
        if {loading}:  # as pybind11 does where a module that is being loaded is interrupted
            raise ImportError("initialization failed") from interrupt
        raise
    finally:
        print("clearing away", flush=True)
        time.sleep({clearing_s})

run_command_line(LazyGroup(commands=[click.Command("write", callback=write)]), "group")
"""


def writing(
    folder: Path, seconds: float = 60, clearing_s: float = 0, start: str = "", loading: bool = False
) -> subprocess.Popen:
    """A command that is in the midst of a file, started by a shell that says ``start`` first."""
    (folder / "program").mkdir()
    script = folder / "program/write.py"
    script.write_text(WRITING.format(seconds=seconds, clearing_s=clearing_s, loading=loading))
    running = subprocess.Popen(
        ["sh", "-c", f'{start}\nexec "$@"', "sh", sys.executable, script, "write"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout.readline() == "writing\n"
    return running


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("loading", [False, True])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_command_and_leaves_nothing(tmp_path, number, loading):
    running = writing(tmp_path, loading=loading)
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (-number, "error: interrupted\n")
    assert left(tmp_path) == ["program"]


def test_a_second_signal_waits_for_nothing(tmp_path):
    running = writing(tmp_path, clearing_s=300)
    running.terminate()
    assert running.stdout.readline() == "clearing away\n"
    running.terminate()
    assert (running.wait(60), running.stderr.read().strip()) == (-signal.SIGTERM, "")


def test_what_the_launcher_ignores_ends_nothing(tmp_path):
    running = writing(tmp_path, seconds=0.5, start="trap '' HUP")
    running.send_signal(signal.SIGHUP)
    assert (running.wait(60), running.stderr.read()) == (0, "")
    assert (tmp_path / "new/deeper/one.txt").read_text() == "half"
