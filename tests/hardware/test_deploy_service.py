"""``toolkit deploy`` to a board whose service runs ~/fer-edge/current/bin/device: it takes effect, or is taken back."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.toolkit

QUICKLY = ("--python", sys.executable, "--runs", "20")


@pytest.fixture(scope="module")
def systemctl(board):
    """A function that calls the board's service manager; the folder of the unit is that of the program."""
    folder = board[0].parent / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "systemctl"
    program.write_text(f"#!{sys.executable}\n" + Path(__file__).with_name("service_manager.py").read_text())
    program.chmod(0o755)
    environment = {**os.environ, "FER_EDGE_HOME": str(board[1] / "state")}

    def call(verb: str) -> str:
        return subprocess.run(
            [program, verb, "fer-edge"], capture_output=True, text=True, env=environment
        ).stdout

    yield call
    call("stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def home(board, systemctl, deploy, tiny_tflite) -> Path:
    """The folder on the board, with a service as 'current/bin/device service install' writes it, running."""
    done = deploy("board", "--model", tiny_tflite, *QUICKLY)
    assert done.returncode == 0, done.stdout + done.stderr
    program = board[1] / "fer-edge/current/bin/device"
    unit = subprocess.run(
        [program, "service", "show", "--", "--source", "demo:live"],
        capture_output=True,
        text=True,
        check=True,
    )
    (board[0].parent / "bin" / "fer-edge.service").write_text(unit.stdout)
    systemctl("restart")
    assert "ActiveState=active" in systemctl("show")
    return board[1] / "fer-edge"


@pytest.fixture(scope="module")
def other_wheel(wheel, tmp_path_factory) -> Path:
    """The same wheel in a file of another digest."""
    other = tmp_path_factory.mktemp("other") / wheel.name
    shutil.copy(wheel, other)
    with zipfile.ZipFile(other, "a") as archive:
        archive.comment = b"another"
    return other


def running(board) -> str:
    """The command line of the service's process, which begins with the Python of its environment."""
    pid = int((board[0].parent / "bin" / "service.pid").read_text())
    return Path(f"/proc/{pid}/cmdline").read_text()


def model(board) -> bytes:
    return (board[1] / "state" / "current").read_bytes()


@pytest.fixture
def no_pip(board):
    """The board's Python without a pip; an environment's own comes before this one."""
    place = board[1] / ".local/lib" / f"python3.{sys.version_info[1]}" / "site-packages" / "pip"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("raise ImportError")
    yield
    shutil.rmtree(place)


@pytest.mark.usefixtures("no_pip")
def test_the_service_takes_the_new_environment_and_the_new_model(
    board, home, deploy, other_wheel, twin_tflite
):
    before, was = (home / "current").resolve(), running(board)
    assert was.startswith(f"{before}/bin/python")
    done = deploy("board", "--wheel", other_wheel, "--model", twin_tflite, *QUICKLY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deployed  board: twin_int8.tflite, p50 " in done.stdout
    assert "; the service runs it" in done.stdout
    after = (home / "current").resolve()
    assert after != before
    assert (after / "bin/pip").exists()
    assert running(board).startswith(f"{after}/bin/python")
    assert model(board) == twin_tflite.read_bytes()
    assert (home / "previous").resolve() == before
    assert set((home / "venvs").iterdir()) == {before, after}


@pytest.mark.parametrize("same_model", [False, True])
def test_a_release_with_which_the_service_does_not_start_is_taken_back(
    same_model, board, home, deploy, tiny_tflite, twin_tflite
):
    current, previous = (home / "current").resolve(), (home / "previous").resolve()
    script = previous / "bin" / "device"
    kept = script.read_text()
    # Stands for a fault that only the service's own camera shows: what deploy tries first goes well.
    script.write_text(
        f'#!/bin/sh\nif test -n "$NOTIFY_SOCKET"; then exit 1; fi\nexec {previous}/bin/python -m device "$@"\n'
    )
    try:
        done = deploy("board", "--model", twin_tflite if same_model else tiny_tflite, *QUICKLY)
    finally:
        script.write_text(kept)
    assert done.returncode == 1
    said = "the service did not start with it and runs again as before; see journalctl -u fer-edge"
    assert said in done.stdout
    assert ((home / "current").resolve(), (home / "previous").resolve()) == (current, previous)
    assert running(board).startswith(f"{current}/bin/python")
    assert model(board) == twin_tflite.read_bytes()


def test_a_stopped_service_stays_stopped(board, home, deploy, systemctl, other_wheel, tiny_tflite):
    systemctl("stop")
    done = deploy("board", "--wheel", other_wheel, "--model", tiny_tflite, *QUICKLY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the service is stopped: sudo systemctl start fer-edge" in done.stdout
    assert "ActiveState=inactive" in systemctl("show")
    assert model(board) == tiny_tflite.read_bytes()
