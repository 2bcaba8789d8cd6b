"""``toolkit deploy`` over a real sshd on loopback: a user's own ssh, keys, files, environments.

Needs OpenSSH's server (Debian: apt install openssh-server) and, for the environment on the "board", the packages from
the package index or pip's cache. Some minutes at the first run.
"""

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.toolkit,
    pytest.mark.skipif(SSHD is None, reason="no sshd here; apt install openssh-server"),
]

# Relays standard input to a port of this machine, but no more than so many bytes of it; and back.
STALLS_AFTER = 60_000
STALL = """
import os, socket, sys, threading, time
peer, left = socket.create_connection(("127.0.0.1", int(sys.argv[1]))), int(sys.argv[2])
def back():
    while data := peer.recv(65536):
        os.write(1, data)
    os._exit(1)
threading.Thread(target=back, daemon=True).start()
while left > 0 and (data := os.read(0, min(left, 4096))):
    peer.sendall(data)
    left -= len(data)
time.sleep(300)
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A running sshd whose sessions find a home folder of their own: (ssh config file, that home)."""
    folder = tmp_path_factory.mktemp("board")
    home = folder / "home"
    home.mkdir()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cache = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True
    ).stdout.strip()
    (folder / "keys").write_text((folder / "user.pub").read_text())
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/keys\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"SetEnv HOME={home} PIP_CACHE_DIR={cache}\n"
        # A login starts in the account's own home; the board's home is where HOME says.
        f'ForceCommand cd "{home}" && eval "$SSH_ORIGINAL_COMMAND"\n'
    )
    (folder / "config").write_text(
        f"Host board second\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n"
        f" IdentityFile {folder}/user\n IdentitiesOnly yes\n StrictHostKeyChecking no\n"
        f" UserKnownHostsFile {folder}/known\n LogLevel ERROR\n"
        f"Host gone\n HostName 127.0.0.1\n Port 1\n"
        # A line that stops in the middle of whatever is longer than a script.
        f"Host stalling\n User {getpass.getuser()}\n IdentityFile {folder}/user\n IdentitiesOnly yes\n"
        f" StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known\n LogLevel ERROR\n"
        f" ProxyCommand {sys.executable} {folder}/stall.py {port} {STALLS_AFTER}\n"
    )
    (folder / "stall.py").write_text(STALL)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield folder / "config", home
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(
        ".venv", ".git", "build", "*.egg-info", "models", "tests", "__pycache__", "dist"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture
def deploy(toolkit_command, board, wheel):
    config, _ = board

    def run(*arguments):
        return toolkit_command("deploy", "--ssh-config", config, "--wheel", wheel, *arguments)

    return run


def test_dry_run_changes_nothing(deploy, board, tiny_tflite):
    done = deploy("board", "--model", tiny_tflite, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["verdict"] == "planned"
    assert list(board[1].iterdir()) == []


def test_a_host_that_is_not_there_fails_alone_and_nothing_is_written(deploy, tiny_tflite, tmp_path):
    done = deploy("gone", "--model", tiny_tflite, "--out", tmp_path / "r.json")
    assert done.returncode == 1
    assert "failed    gone: " in done.stdout
    assert "Connection refused" in done.stdout
    assert not (tmp_path / "r.json").exists()


def test_a_python_that_is_missing_is_named(deploy, tiny_tflite):
    done = deploy("board", "--model", tiny_tflite, "--python", "/no/python")
    assert done.returncode == 1
    assert "no Python as '/no/python', expected 3.11 or newer" in done.stdout


def test_deploys_measures_and_comes_into_the_report(deploy, board, tiny_tflite, toolkit_command, tmp_path):
    home = board[1] / "fer-edge"
    done = deploy("board", "gone", "--model", tiny_tflite, "--python", sys.executable, "--out", tmp_path / "r.json",
                  "--runs", "50")  # fmt: skip
    assert done.returncode == 1  # one of the two hosts is not there
    assert "deployed  board: tiny_int8.tflite runs as release " in done.stdout
    assert "board: 7/7 benchmarking" in done.stderr
    current = (home / "current").resolve()
    assert (current / "model.tflite").read_bytes() == tiny_tflite.read_bytes()
    assert (current / "venv" / "bin" / "device").exists()
    assert not list(home.rglob("*.part"))
    assert not list(home.glob(".smoke*"))
    (latency,) = json.loads((tmp_path / "r.json").read_text())["models"][0]["latencies"]
    assert latency["stages"]["classify"]["n"] == 50
    assert latency["target"] not in ("host", "")
    done = toolkit_command("report", tmp_path / "r.json", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr


def test_a_second_model_replaces_the_first_which_stays_as_previous(deploy, board, twin_tflite):
    home = board[1] / "fer-edge"
    before = (home / "current").resolve()
    environments = set((home / "venvs").iterdir())
    done = deploy("board", "--model", twin_tflite, "--python", sys.executable, "--runs", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "current" / "model.tflite").read_bytes() == twin_tflite.read_bytes()
    assert (home / "previous").resolve() == before
    assert set((home / "venvs").iterdir()) == environments  # the same wheel, the same environment


def test_a_release_that_fails_its_test_is_taken_back(deploy, board, tiny_tflite):
    home = board[1] / "fer-edge"
    before = (home / "current").resolve()
    releases = set((home / "releases").iterdir())
    (environment,) = (home / "venvs").iterdir()
    script = environment / "bin" / "device"
    kept = script.read_text()
    # Stands for a board on which the frame loop breaks, though the model alone is sound.
    script.write_text(
        '#!/bin/sh\ntest "$1" = doctor && exit 0\necho "error: the camera stack is broken" >&2\nexit 1\n'
    )
    try:
        done = deploy("board", "--model", tiny_tflite, "--python", sys.executable)
    finally:
        script.write_text(kept)
    assert done.returncode == 1
    assert "the camera stack is broken (while switching and testing)" in done.stdout
    assert (home / "current").resolve() == before
    assert set((home / "releases").iterdir()) == releases
    assert not list(home.glob(".current*"))


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
    """A function that starts a deploy of another wheel, waits for a condition and returns the process and wheel."""
    started = []

    def begin(host: str, model: Path, until) -> subprocess.Popen:
        other = tmp_path / wheel.name
        shutil.copy(wheel, other)
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
    """What runs on the board, and every release."""
    return (home / "current").resolve(), (home / "previous").resolve(), set((home / "releases").iterdir())


def test_a_connection_lost_while_copying_leaves_nothing(board, begun, kill_session, tiny_tflite):
    home = board[1] / "fer-edge"
    before, environments = state(home), set((home / "venvs").iterdir())
    process = begun(
        "stalling", tiny_tflite, lambda: any(part.stat().st_size for part in home.rglob("*.part"))
    )
    kill_session()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    lines = [line for line in out.splitlines() if line.startswith("failed    stalling: ")]
    assert len(lines) == 1
    assert "while copying the wheel; try: ssh stalling true" in lines[0]
    assert "Traceback" not in err
    wait_for(lambda: not list(home.rglob("*.part")), 20)
    assert state(home) == before
    assert set((home / "venvs").iterdir()) == environments


def test_a_connection_lost_while_making_the_environment_changes_nothing_that_runs(
    board, begun, kill_session, deploy, tiny_tflite, tmp_path
):
    home = board[1] / "fer-edge"
    before, environments = state(home), set((home / "venvs").iterdir())

    def at_work():
        return any((one / "bin/pip").exists() for one in set((home / "venvs").iterdir()) - environments)

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
    assert (home / "current" / "venv").resolve() == made.resolve()
    assert (home / "previous").resolve() == before[0]


def test_a_file_that_arrives_altered_is_refused(board, tmp_path, monkeypatch):
    from toolkit.deploy import ssh

    path = tmp_path / "model.tflite"
    path.write_bytes(b"what was meant")
    monkeypatch.setattr(ssh, "sha256_of", lambda _: "0" * 64)
    with pytest.raises(ssh.RemoteFailure, match="arrived altered"):
        ssh.Host("board", board[0]).send(path, "fer-edge/models/x.tflite", "copying")
    assert not (board[1] / "fer-edge/models/x.tflite").exists()
    assert not (board[1] / "fer-edge/models/x.tflite.part").exists()


def test_the_connection_drops_in_the_middle(board, tmp_path):
    from toolkit.deploy.ssh import ConnectionLost, Host

    with pytest.raises(ConnectionLost, match="while waiting"):
        Host("board", board[0]).run("kill -9 $PPID; sleep 5", "waiting")
