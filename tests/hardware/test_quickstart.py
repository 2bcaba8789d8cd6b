"""docs/PI_QUICKSTART.md on emulated boards: its commands as printed, in their order, in arm64 Debian 12 and 13.

What runs is the system's own Python, pip and shell in a changed root, through the kernel's binfmt_misc. Needs root,
mmdebstrap and an emulator that is registered (Debian: apt install mmdebstrap qemu-user-static), and the package index;
five minutes of processor time a system. sudo and systemctl stand for themselves by scripts that do what is asked, and
nothing; Raspberry Pi's own packages, a camera and a second machine are not there.
"""

import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from toolkit.emulation.tree import BOOKWORM, TRIXIE, System

ROOT = Path(__file__).parents[2]
REGISTERED = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="apt install mmdebstrap"),
    pytest.mark.skipif(
        not REGISTERED.exists(), reason="no arm64 program runs here: apt install qemu-user-static"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to change the root"),
]
PACKAGES = (
    "base-files,base-passwd,bash,ca-certificates,coreutils,dash,grep,libstdc++6,python3,python3-venv,sed"
)
NEWER = "99.0"
OTHERWISE = (
    "sudo apt ",
    "rpicam-hello ",
    "make ",
    "scp ",
    "ssh ",
    "systemctl ",
    "journalctl ",
)  # not in the tree
BEHIND = {
    "device run --source demo": "--max-frames 4",
    "device run --preview": "--source demo:live --seconds 60",
}
FAILING = ("device doctor", "device run")  # there is no camera
STAND_INS = {"sudo": 'exec "$@"', "systemctl": "exit 0"}
# Waits for the page that a run in the background serves. A signal would not be waited for: a frame takes seconds here.
LOOK = """
python3 - <<'END'
import time, urllib.request
for attempt in range(250):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8008/", timeout=60).read().decode())
        break
    except OSError:
        time.sleep(1)
END
wait $!
"""


def printed(suite: str) -> list[str]:
    """Return the commands that a reader with ``suite`` types, without what is said behind them."""
    text = (ROOT / "docs" / "PI_QUICKSTART.md").read_text()
    other = {"bookworm": "On Trixie:", "trixie": "On Bookworm,"}[suite]
    text = re.sub(rf"^{other}.*?^```$.*?^```$", "", text, flags=re.M | re.S)
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.M | re.S)
    lines = [re.sub(r"\s+# .*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line.replace("NEWER", NEWER) for line in lines if line and not line.startswith(OTHERWISE)]


def write_newer(wheel: Path, folder: Path) -> None:
    """Write the wheel into ``folder`` once more as that of another version."""
    version = wheel.name.split("-")[1]
    with (
        zipfile.ZipFile(wheel) as old,
        zipfile.ZipFile(folder / wheel.name.replace(version, NEWER), "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if ".dist-info/" in name:
                content = content.replace(version.encode(), NEWER.encode())
            new.writestr(name.replace(f"fer_edge-{version}", f"fer_edge-{NEWER}"), content)


def script(commands: list[str]) -> str:
    """Return a shell's session: of each command what it prints in ~/said/N, its exit status in ~/said/N.code."""
    lines = ["cd", "mkdir said"]
    for number, command in enumerate(commands):
        whole = f"{command} {BEHIND.get(command, '')}"
        whole = f"{whole} & {LOOK}" if command.endswith("--preview") else whole
        # In braces, so that what it sets stays set.
        lines.append(f"{{ {whole}\n}} > said/{number} 2>&1\necho $? > said/{number}.code")
    return "\n".join(lines)


@dataclass(frozen=True)
class Session:
    """What each command printed and its exit status; ``tree`` is the system afterwards."""

    tree: Path
    said: dict[str, tuple[int, str]]


@pytest.fixture(scope="module", params=[BOOKWORM, TRIXIE], ids=lambda system: system.suite)
def session(request, wheel, tmp_path_factory) -> Session:
    system: System = request.param
    tree = tmp_path_factory.mktemp(system.suite) / "tree"
    command = ["mmdebstrap", "--quiet", "--architectures=arm64", "--variant=extract", f"--include={PACKAGES}"]
    done = subprocess.run([*command, system.suite, tree], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("mmdebstrap makes no arm64 Debian here: " + done.stderr.strip().splitlines()[-1])
    home = tree / "root"
    shutil.copy(wheel, home)
    write_newer(wheel, home)
    shutil.copy(ROOT / "models" / "small_int8.tflite", home / "better_int8.tflite")
    for name, does in STAND_INS.items():
        (tree / "usr/local/bin").mkdir(parents=True, exist_ok=True)
        (tree / "usr/local/bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tree / "usr/local/bin" / name).chmod(0o755)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", tree / "etc" / name)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    if certificate := os.environ.get("PIP_CERT"):  # how pip reaches the package index from here
        shutil.copy(certificate, tree / "etc/authorities.pem")
        environment["PIP_CERT"] = "/etc/authorities.pem"
    commands = printed(system.suite)
    (home / "session.sh").write_text(script(commands))
    inside = f"mount --rbind /proc {tree}/proc; mount --rbind /dev {tree}/dev; exec chroot {tree} bash /root/session.sh"
    (tree / "proc").mkdir(exist_ok=True)
    subprocess.run(
        ["unshare", "--mount", "sh", "-ec", inside], env=environment | {"PATH": os.environ["PATH"]}
    )
    said = home / "said"
    return Session(
        tree,
        {
            command: (int((said / f"{number}.code").read_text()), (said / str(number)).read_text())
            for number, command in enumerate(commands)
        },
    )


def test_every_command_does_what_is_said_of_it(session):
    codes = {command: code for command, (code, _) in session.said.items()}
    assert codes == {command: int(command in FAILING) for command in codes}, session.said


def test_what_is_missing_is_a_line(session):
    failed = [line for line in session.said["device doctor"][1].splitlines() if line.startswith("fail")]
    assert len(failed) == 1
    assert failed[0].startswith("fail camera      no camera found")
    assert session.said["device run"][1].startswith("error: no camera found: picamera2")
    assert session.said["device run"][1].count("\n") == 1


def test_faces_are_named_and_the_page_is_served(session):
    assert "4 with faces, 2 different faces" in session.said["device run --source demo"][1]
    page = session.said["device run --preview"][1]
    assert "<title>fer-edge preview</title>" in page
    assert "ended by --seconds" in page


def test_the_service_is_installed_upgraded_and_gone(session):
    said = {command.partition(" && ")[0]: words for command, (_, words) in session.said.items()}
    install = "sudo ~/fer-edge/bin/device service install -- --source picamera"
    installed = next(words for command, words in said.items() if command.startswith(install))
    assert installed.startswith("/etc/systemd/system/fer-edge.service\n")
    upgrade = f"pip install --force-reinstall --no-deps ~/fer_edge-{NEWER}-py3-none-any.whl"
    assert f"Successfully installed fer-edge-{NEWER}" in said[upgrade]
    assert "previous  the packaged model" in said["sudo ~/fer-edge/bin/device install better_int8.tflite"]
    assert "fer7_int8.tflite" in said["sudo ~/fer-edge/bin/device rollback"].splitlines()[0]
    for gone in ("etc/systemd/system/fer-edge.service", "var/lib/fer-edge", "root/fer-edge"):
        assert not (session.tree / gone).exists()
