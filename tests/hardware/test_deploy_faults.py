"""``toolkit deploy`` over a line that breaks: nothing half-done stays, and what runs goes on running."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def home(board, deploy, tiny_tflite, twin_tflite) -> Path:
    """The folder on the board, with an environment and a second model."""
    for model in (tiny_tflite, twin_tflite):
        done = deploy("board", "--model", model, "--python", sys.executable, "--runs", "20")
        assert done.returncode == 0, done.stdout + done.stderr
    return board[1] / "fer-edge"


@pytest.fixture
def kill_session(board):
    """A function that kills the sshd of every connection, but not the one that listens."""

    def kill() -> None:
        listening = (board[0].parent / "pid").read_text().strip()
        found = subprocess.run(["pgrep", "-P", listening], capture_output=True, text=True).stdout.split()
        assert found, "no session to kill"
        for pid in found:
            os.kill(int(pid), signal.SIGKILL)

    return kill


@pytest.fixture
def begun(board, wheel, tmp_path):
    """A function that starts a deploy, of another wheel unless told, waits for a condition, returns the process."""
    started = []

    def begin(host: str, model: Path, until, another: bool = True) -> subprocess.Popen:
        other = tmp_path / wheel.name
        shutil.copy(wheel, other)
        if another:
            with zipfile.ZipFile(other, "a") as archive:
                archive.comment = str(time.time_ns()).encode()  # another digest, the same content
        command = [Path(sys.executable).with_name("toolkit"), "deploy", "--ssh-config", board[0], "--wheel", other,
                   "--python", sys.executable, "--runs", "20", "--model", model, host]  # fmt: skip
        started.append(
            subprocess.Popen(
                list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        wait_for(until)
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def state(home: Path) -> tuple:
    """What runs on the board: environment and model."""
    return (home / "current").resolve(), (home.parent / "state" / "current").resolve()


def test_a_connection_lost_while_copying_leaves_nothing(home, begun, kill_session, tiny_tflite):
    before, environments = state(home), set((home / "venvs").iterdir())
    process = begun(
        "stalling", tiny_tflite, lambda: any(part.stat().st_size for part in home.rglob("*.part-*"))
    )
    kill_session()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    lines = [line for line in out.splitlines() if line.startswith("failed    stalling: ")]
    assert len(lines) == 1
    assert "while copying the wheel; try: ssh stalling true" in lines[0]
    assert "Traceback" not in err
    wait_for(lambda: not list(home.rglob("*.part-*")), 20)
    assert state(home) == before
    assert set((home / "venvs").iterdir()) == environments


def test_a_connection_lost_while_switching_leaves_it_to_the_board(
    home, begun, kill_session, tiny_tflite, tmp_path
):
    environment = (home / "current").resolve()
    script = environment / "bin" / "device"
    kept, reached = script.read_text(), tmp_path / "reached"
    # The real program, held up where the switch begins.
    script.write_text(
        f'#!/bin/sh\nif test "$1" = install; then touch {reached}; sleep 3; fi\n'
        f'exec {environment}/bin/python -m device "$@"\n'
    )
    try:
        process = begun("board", tiny_tflite, reached.exists, another=False)
        kill_session()
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "while switching; try: ssh board true; the board ends the switch by itself" in out
        installed = home.parent / "state" / "current"
        wait_for(lambda: installed.read_bytes() == tiny_tflite.read_bytes(), 20)
        wait_for(lambda: not (home / "models").exists(), 20)
    finally:
        script.write_text(kept)


def test_a_connection_lost_while_making_the_environment_changes_nothing_that_runs(
    home, begun, kill_session, deploy, tiny_tflite, tmp_path
):
    before, environments = state(home), set((home / "venvs").iterdir())

    def at_work():
        return any((one / "bin/python").exists() for one in set((home / "venvs").iterdir()) - environments)

    process = begun("board", tiny_tflite, at_work)
    kill_session()
    (left,) = set((home / "venvs").iterdir()) - environments
    (left / "first").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "while making the environment; try: ssh board true" in out
    assert "Traceback" not in err
    assert state(home) == before
    # At once again: waits for what the first left at work, and neither takes the other's environment away.
    (again,) = tmp_path.glob("*.whl")
    done = deploy(
        "board", "--wheel", again, "--model", tiny_tflite, "--python", sys.executable, "--runs", "20"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = set((home / "venvs").iterdir()) - environments
    assert (made / "ready").exists()
    assert (made / "first").exists()
    assert (home / "current").resolve() == made.resolve()
    assert (home / "previous").resolve() == before[0]


def test_a_file_that_arrives_altered_is_refused(board, tmp_path, monkeypatch):
    from toolkit.deploy import ssh

    path = tmp_path / "model.tflite"
    path.write_bytes(b"what was meant")
    monkeypatch.setattr(ssh, "sha256_of", lambda _: "0" * 64)
    with pytest.raises(ssh.RemoteFailure, match="arrived altered"):
        ssh.Host("board", board[0]).send(path, "fer-edge/models/x.tflite", "copying")
    assert not (board[1] / "fer-edge/models/x.tflite").exists()
    assert not list((board[1] / "fer-edge/models").glob("x.tflite.part*"))


def test_the_connection_drops_in_the_middle(board, tmp_path):
    from toolkit.deploy.ssh import ConnectionLost, Host

    with pytest.raises(ConnectionLost, match="while waiting"):
        Host("board", board[0]).run("kill -9 $PPID; sleep 5", "waiting")
