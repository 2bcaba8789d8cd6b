"""The Pi's camera source on the real picamera2 and libcamera's virtual camera.

Needs root, mmdebstrap and the shared folder; makes a Debian 13 tree of 1 GB in the user's cache at the first run
(a minute or two), or takes the one that $FER_EDGE_PICAMERA names.
"""

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[2]
TREE = Path(os.environ.get("FER_EDGE_PICAMERA") or Path.home() / ".cache/fer-edge/picamera")
FRAMES = 20

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mmdebstrap") is None, reason="needs root and mmdebstrap"
)

# Runs inside the tree: real frames through the source, opened twice.
PROBE = """
import sys
sys.path[:0] = ["/opt/t", "/opt/fer-edge"]
import cv2, numpy as np
import virtual_picamera2, picamera2
picamera2.Picamera2 = virtual_picamera2.VirtualPicamera2
from device.sources import open_source
from device.sources.picamera import picamera_problem
print("problem", picamera_problem())
cameras = picamera2.Picamera2.global_camera_info()
number = next(i for i, camera in enumerate(cameras) if camera["Model"] == "virtual-images")
pictures = [cv2.imread(f"/opt/t/frames/{i}.jpg", cv2.IMREAD_GRAYSCALE).astype(int) for i in range(20)]
for turn in range(2):
    with open_source(f"picamera:{number}") as source:
        for frame in source:
            off = min(np.abs(frame.image - picture).mean() for picture in pictures)
            print("frame", frame.index, *frame.image.shape, frame.image.dtype, frame.captured_ns, f"{off:.3f}")
            if frame.index == 4:
                break
"""


@pytest.fixture(scope="module")
def tree(shared_dir, tmp_path_factory):
    if not (TREE / "opt/t/shim.so").exists():
        pictures = tmp_path_factory.mktemp("pictures")
        clip = cv2.VideoCapture(str(shared_dir / "data/video/help.mkv"))
        for number in range(FRAMES):
            cv2.imwrite(str(pictures / f"{number}.jpg"), clip.read()[1])
        TREE.parent.mkdir(parents=True, exist_ok=True)
        setup = shared_dir / "tools/picamera/setup_picam.sh"
        subprocess.run(["bash", setup, TREE, pictures], check=True, timeout=900)
    return TREE


def test_gray_frames_of_the_real_picamera2(tree):
    code = tree / "opt/fer-edge/device"
    shutil.rmtree(code, ignore_errors=True)
    shutil.copytree(ROOT / "device", code)
    mounts = [("--bind", "/dev", tree / "dev"), ("-t", "proc", "proc", tree / "proc")]
    for arguments in mounts:
        subprocess.run(["mount", *arguments], check=True)
    try:
        done = subprocess.run(
            ["chroot", tree, "env", "LD_PRELOAD=/opt/t/shim.so", "/opt/t/v/bin/python", "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        subprocess.run(["umount", tree / "dev", tree / "proc"], check=True)
    assert done.returncode == 0, done.stderr
    assert "problem None\n" in done.stdout
    rows = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("frame ")]
    assert [int(row[0]) for row in rows] == [0, 1, 2, 3, 4] * 2
    assert {tuple(row[1:4]) for row in rows} == {("480", "640", "uint8")}
    stamps = [int(row[4]) for row in rows]
    assert stamps == sorted(set(stamps))
    # Gray as it came, of the right picture: what is left is JPEG's and the conversion's.
    assert all(float(row[5]) < 1.5 for row in rows)
