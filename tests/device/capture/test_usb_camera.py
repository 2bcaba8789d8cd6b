"""A USB camera as OpenCV reads it by V4L2, from a device that `webcam.c` plays: no kernel here has a camera."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource

if sys.platform != "linux" or shutil.which("gcc") is None:
    pytest.skip("no gcc to build the device with", allow_module_level=True)

DEVICE = Path(sys.executable).with_name("device")
SOURCE = Path(__file__).parents[2] / "webcam.c"
with DemoSource(1) as demo:
    FACES = demo.picture(0)
READ_ONE = """
import sys, cv2
from device.capture.sources.usb import UsbCamera
with UsbCamera(97) as camera:
    cv2.imwrite(sys.argv[1], next(iter(camera)).image)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    built = tmp_path_factory.mktemp("webcam") / "webcam.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", built, SOURCE, "-ldl"], check=True)
    return built


@pytest.fixture
def webcam(library, tmp_path):
    """Return the environment in which /dev/video97 is a webcam of these sizes; ``faults`` as `webcam.c` names them."""
    frames = tmp_path / "frames"
    frames.mkdir()

    def plug(*sizes_wh: tuple[int, int], **faults: object) -> dict[str, str]:
        for width, height in sizes_wh:
            put_jpeg(frames / f"{width}x{height}_0.mjpg", cv2.resize(FACES, (width, height)))
        settings = {"WEBCAM": "/dev/video97", "WEBCAM_FRAMES": str(frames), "LD_PRELOAD": str(library)}
        return (
            os.environ | settings | {f"WEBCAM_{name.upper()}": str(fault) for name, fault in faults.items()}
        )

    return plug


def put_jpeg(path: Path, image: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())


def run(environment: dict[str, str], *options: object) -> subprocess.CompletedProcess[str]:
    command = [DEVICE, "run", "--source", "usb:97", "--quiet", *options]
    return subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=60
    )


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_faces_are_found_in_what_a_webcam_delivers(webcam, tmp_path):
    done = run(webcam((640, 480), (1280, 720)), "--max-frames", 10, "--output", tmp_path / "rows.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(tmp_path / "rows.jsonl")
    assert [row["size_wh"] for row in found] == [[640, 480]] * 10
    assert all(len(row["faces"]) == 2 for row in found)


@pytest.mark.parametrize("kind", ["mjpg", "yuyv"])
def test_colours_are_those_before_the_camera(webcam, tmp_path, kind):
    scene = np.zeros((480, 640, 3), np.uint8)
    scene[:, :320], scene[:, 320:] = (200, 40, 20), (30, 60, 220)  # blue, red
    environment = webcam()
    frame = tmp_path / "frames" / f"640x480.{kind}"
    if kind == "yuyv":
        frame.write_bytes(cv2.cvtColor(scene, cv2.COLOR_BGR2YUV_YUY2).tobytes())
    else:
        put_jpeg(frame, scene)
    read = tmp_path / "read.png"
    subprocess.run([sys.executable, "-c", READ_ONE, read], env=environment, check=True, timeout=60)
    apart = np.abs(cv2.imread(str(read)).astype(int) - scene)
    assert apart[:, [160, 480]].max() <= 4


def test_a_size_and_a_rate_that_the_camera_has_not_are_told(webcam, tmp_path):
    environment = webcam((640, 480), (1280, 720), rate=25)
    asked = ("--size", "1920x1080", "--fps", 60, "--max-frames", 3, "--output", tmp_path / "rows.jsonl")
    done = run(environment, *asked)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "warning: /dev/video97 has no pictures of 1920x1080; it gives 1280x720",
        "warning: /dev/video97 does not give 60 frames a second, but 25",
    ]
    assert rows(tmp_path / "rows.jsonl")[0]["size_wh"] == [1280, 720]
    assert run(environment, "--size", "1280x720", "--fps", 25, "--max-frames", 3).stderr == ""


def test_a_control_beyond_its_range_is_refused(webcam):
    environment = webcam((640, 480))
    assert run(environment, "--control", "gain=100", "--max-frames", 3).returncode == 0
    for asked in ("gain=101", "zoom_absolute=2"):
        refused = run(environment, "--control", asked, "--max-frames", 3)
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"error: /dev/video97 does not take --control {asked}; ")


def test_a_camera_that_another_program_reads_is_told_from_no_camera(webcam):
    refused = run(webcam((640, 480), busy=1), "--max-frames", 3)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: /dev/video97 is a camera but gives no pictures; another program")


def test_empty_pictures_are_passed_over(webcam, tmp_path):
    environment = webcam((640, 480))
    for number in (1, 2, 4):
        (tmp_path / "frames" / f"640x480_{number}.mjpg").touch()
    put_jpeg(tmp_path / "frames" / "640x480_3.mjpg", FACES)
    done = run(environment, "--max-frames", 8, "--output", tmp_path / "rows.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows(tmp_path / "rows.jsonl")) == 8


def test_a_silent_camera_is_opened_again(webcam):
    done = run(webcam((640, 480), silent_at=5), "--max-frames", 8)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: usb:97 stopped delivering after 4 frames; opening it again in ")


def test_a_camera_pulled_out_and_put_back_goes_on(webcam, tmp_path):
    gone, path = tmp_path / "gone", tmp_path / "rows.jsonl"
    environment = webcam((640, 480), unplugged=gone)
    command = [DEVICE, "run", "--source", "usb:97", "--quiet", "--seconds", "60", "--output", path]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        while not path.exists() or len(path.read_text().splitlines()) < 3:
            time.sleep(0.02)
        gone.touch()
        assert running.stderr.readline().startswith("warning: usb:97 stopped delivering after ")
        assert running.stderr.readline().startswith("warning: no /dev/video97; USB cameras found: none")
        gone.unlink()
        before = len(path.read_text().splitlines())
        while len(path.read_text().splitlines()) < before + 3:
            time.sleep(0.02)
        running.terminate()
        assert running.wait(timeout=30) == 0
    assert rows(path)[-1]["result"] == "faces"
