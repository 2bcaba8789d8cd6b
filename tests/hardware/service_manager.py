"""systemctl of the board behind sshd: stands for systemd, which runs only as the first process of a system.

Starts what the real unit's ExecStart= says, as Type=notify does: a restart succeeds once READY=1 has come.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
UNIT, PID = FOLDER / "fer-edge.service", FOLDER / "service.pid"


def alive() -> int | None:
    """The service's process, if it runs."""
    try:
        pid = int(PID.read_text())
        return None if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z" else pid
    except (OSError, ValueError):
        return None


def stop() -> None:
    if pid := alive():
        os.kill(pid, signal.SIGTERM)
        while alive():
            time.sleep(0.05)


def credentials() -> Path:
    """The folder with copies of the files that LoadCredential= names."""
    folder = FOLDER / "credentials"
    folder.mkdir(exist_ok=True)
    for name, path in re.findall(r"^LoadCredential=(\w+):(.*)$", UNIT.read_text(), re.MULTILINE):
        shutil.copy(path, folder / name)
    return folder


def start(command: str) -> bool:
    """Start the service; whether it is ready within TimeoutStartSec=60."""
    command = command.replace("${CREDENTIALS_DIRECTORY}", str(credentials()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        address = FOLDER / "notify"
        address.unlink(missing_ok=True)
        notified.bind(str(address))
        notified.settimeout(0.1)
        with open(FOLDER / "journal", "ab") as journal:
            process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.DEVNULL, stdout=journal, stderr=journal,
                env={**os.environ, "NOTIFY_SOCKET": str(address)}, start_new_session=True,
            )  # fmt: skip
        PID.write_text(str(process.pid))
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            try:
                if b"READY=1" in notified.recv(4096):
                    return True
            except TimeoutError:
                continue
    return False


if __name__ == "__main__":
    verb = sys.argv[1]
    if not UNIT.exists():
        print("LoadState=not-found\nActiveState=inactive")
        sys.exit(0 if verb == "show" else 5)
    (command,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    if verb == "show":
        print(f"ExecStart={{ path={command.split()[0]} ; argv[]={command} ; ignore_errors=no ; pid=0 }}")
        print(f"LoadState=loaded\nActiveState={'active' if alive() else 'inactive'}")
    elif verb in ("stop", "restart"):
        stop()
        if verb == "restart" and not start(command):
            print(
                "Job for fer-edge.service failed.\nSee 'journalctl -xeu fer-edge.service'.", file=sys.stderr
            )
            sys.exit(1)
