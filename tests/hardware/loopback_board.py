"""Fixtures: a "board" behind a real sshd on loopback, the project's wheel, and ``toolkit deploy`` of it to there.

A user's own ssh, keys, files and environments. Needs OpenSSH's server (Debian: apt install openssh-server).
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")

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


@contextlib.contextmanager
def running_sshd(folder: Path, before: Sequence[str] = ()) -> Iterator[int]:
    """A running sshd whose sessions find a home of their own, ``folder/home``; yields its port.

    The key of a user is ``folder/user``, programs of tests lie in ``folder/bin``; ``before``: what starts the server.
    """
    home = folder / "home"
    home.mkdir(parents=True)
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
        # Programs of tests first; the state of this machine's own fer-edge is left alone.
        f"SetEnv HOME={home} PIP_CACHE_DIR={cache} FER_EDGE_HOME={home}/state PATH={folder}/bin:{os.environ['PATH']}\n"
        # A login starts in the account's own home; the board's home is where HOME says.
        f'ForceCommand cd "{home}" && eval "$SSH_ORIGINAL_COMMAND"\n'
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    command = [*before, SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def board(tmp_path_factory):
    """A running sshd whose sessions find a home folder of their own: (ssh config file, that home)."""
    if SSHD is None:
        pytest.skip("no sshd here; apt install openssh-server")
    folder = tmp_path_factory.mktemp("board")
    (folder / "stall.py").write_text(STALL)
    with running_sshd(folder) as port:
        user = (
            f" User {getpass.getuser()}\n IdentityFile {folder}/user\n IdentitiesOnly yes\n"
            f" StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known\n LogLevel ERROR\n"
        )
        (folder / "config").write_text(
            f"Host board second\n HostName 127.0.0.1\n Port {port}\n{user}"
            f"Host gone\n HostName 127.0.0.1\n Port 1\n"
            # A line that stops in the middle of whatever is longer than a script.
            f"Host stalling\n{user} ProxyCommand {sys.executable} {folder}/stall.py {port} {STALLS_AFTER}\n"
        )
        yield folder / "config", folder / "home"


@pytest.fixture(scope="session")
def deploy(toolkit_command, board, wheel):
    """A function that runs ``toolkit deploy`` of the project's wheel and returns the finished process."""
    config, _ = board

    def run(*arguments):
        return toolkit_command("deploy", "--ssh-config", config, "--wheel", wheel, *arguments)

    return run
