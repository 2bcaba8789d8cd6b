"""The Pi's camera source on the real picamera2 and libcamera's virtual camera, the project installed from its wheel.

Needs root, mmdebstrap, the package index and the shared folder; makes a Debian 13 tree of 1 GB in the user's cache at
the first run (a minute or two), or takes the one that $FER_EDGE_PICAMERA names.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource

TREE = Path(os.environ.get("FER_EDGE_PICAMERA") or Path.home() / ".cache/fer-edge/picamera")
HERE = Path(__file__).parent / "picamera"
BIN = "/opt/t/v/bin"  # an environment that sees the tree's libcamera, as on a Pi
MODULES = Path(__file__).parents[1] / "device" / "capture" / "camera_modules.json"
COLOURS = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0), "white": (255, 255, 255)}

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mmdebstrap") is None, reason="needs root and mmdebstrap"
)


def command(program: str, *arguments, **variables) -> list[str]:
    """The command line that runs a program of the tree's environment."""
    variables = {"LD_PRELOAD": "/opt/t/shim.so", "PYTHONPATH": "/opt/fer-edge/site:/opt/t"} | variables
    settings = [f"{name}={value}" for name, value in variables.items()]
    return [
        "chroot",
        str(TREE),
        "env",
        "-u",
        "PIP_FIND_LINKS",
        *settings,
        f"{BIN}/{program}",
        *map(str, arguments),
    ]


def run(program: str, *arguments, **variables) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(program, *arguments, **variables), capture_output=True, text=True, timeout=120
    )


def probe(name: str, **variables) -> dict:
    """What a function of ``probes.py``, run in the tree, found."""
    done = run("python", "/opt/fer-edge/probes.py", name, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def film() -> list[np.ndarray]:
    """A film of two drawn faces: 58 pictures of 640 x 480, B, G, R."""
    with DemoSource(58) as demo:
        return [frame.image for frame in demo]


@pytest.fixture(scope="module")
def tree(shared_dir, film, wheel, tmp_path_factory):
    """The Debian tree with two virtual cameras, film and colours, and the wheel installed beside picamera2."""
    if not (TREE / "opt/t/shim.so").exists():
        pictures = write_pictures(tmp_path_factory.mktemp("pictures"), film)
        TREE.parent.mkdir(parents=True, exist_ok=True)
        part = TREE.with_name(f"{TREE.name}.part")  # so that one that is cut off is not taken for whole
        for old in (part, TREE):
            for inner in (old / "dev", old / "proc"):
                if os.path.ismount(inner):
                    subprocess.run(["umount", inner], check=True)
            if old.exists():
                shutil.rmtree(old)
        setup = shared_dir / "tools/picamera/setup_picam.sh"
        subprocess.run(["bash", setup, part, pictures], check=True, timeout=900)
        part.rename(TREE)
    ours = TREE / "opt/fer-edge"
    shutil.rmtree(ours, ignore_errors=True)
    write_pictures(ours / "film", film)
    write_pictures(ours / "colours", [np.full((480, 640, 3), bgr, np.uint8) for bgr in COLOURS.values()])
    (ours / "site").mkdir()
    shutil.copy(HERE / "stalling_picamera2.py", ours / "site/picamera2.py")
    shutil.copy(HERE / "probes.py", ours)
    shutil.copy(HERE / "virtual.yaml", TREE / "usr/share/libcamera/pipeline/virtual/virtual.yaml")
    shutil.copy(wheel, ours)
    with contextlib.ExitStack() as mounts:
        for arguments in (["--bind", "/dev", TREE / "dev"], ["-t", "proc", "proc", TREE / "proc"]):
            if not os.path.ismount(arguments[-1]):
                subprocess.run(["mount", *arguments], check=True)
            mounts.callback(subprocess.run, ["umount", arguments[-1]])
        run("pip", "uninstall", "--quiet", "--yes", "fer-edge")
        done = run("pip", "install", "--quiet", f"/opt/fer-edge/{wheel.name}")
        assert done.returncode == 0, done.stderr
        yield TREE


def write_pictures(folder: Path, pictures: list[np.ndarray]) -> Path:
    """Write 0.jpg, 1.jpg, … as libcamera's virtual camera reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number}.jpg"), picture)
    return folder


def test_device_run_takes_the_camera_by_itself_and_finds_the_faces(tree):
    done = run("device", "run", "--max-frames", 40, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["source"] == "picamera"
    assert (document["frames"], document["reopened"]) == (40, 0)
    assert document["frames_with_faces"] >= 25


def test_gray_frames_come_as_the_camera_made_them(tree, film):
    """Opened twice. What is left of a difference is JPEG's and the conversion's."""
    found = probe("film")
    assert found["problem"] is None
    assert [frame["index"] for frame in found["frames"]] == [0, 1, 2, 3, 4] * 2
    assert all(frame["shape"] == [480, 640] and frame["dtype"] == "uint8" for frame in found["frames"])
    stamps = [frame["captured_ns"] for frame in found["frames"]]
    assert stamps == sorted(set(stamps))
    assert all(frame["off"] < 1.5 for frame in found["frames"])


def test_colours_have_the_gray_of_their_own_and_not_of_another_order(tree):
    """Red for blue would be 29 for 76. White is 255 only at full range, which is asked of the camera as well."""
    found = probe("colours")
    right = {int(cv2.cvtColor(np.uint8([[bgr]]), cv2.COLOR_BGR2GRAY)[0, 0]) for bgr in COLOURS.values()}
    assert len(found["levels"]) == len(right)
    assert np.allclose(sorted(found["levels"]), sorted(right), atol=2)
    assert found["range_asked"] == "Full"


def test_somebody_who_looks_sees_the_colours(tree):
    """Red, green, blue and white come back within what JPEG and the conversion to YUV and back change."""
    found = probe("in_colour")
    assert len(found["bgr"]) == len(COLOURS)
    for bgr in COLOURS.values():
        assert any(np.abs(np.subtract(bgr, seen)).max() <= 4 for seen in found["bgr"]), (bgr, found)


@pytest.mark.parametrize(
    ("module", "sensor", "size"),
    [("imx219", [1640, 1232], [640, 480]), ("imx708", [2304, 1296], [640, 360])],
)
def test_picamera2_is_asked_for_the_mode_that_shows_the_whole_sensor(tree, module, sensor, size):
    """The modes are recorded from real modules. That libcamera obeys needs such a module."""
    recorded = json.loads(MODULES.read_text())[module]["sensor_modes"]
    found = probe("sensor_mode", SENSOR_MODES=json.dumps(recorded))
    assert found["sensor"] == {"output_size": sensor, "bit_depth": 10}
    assert found["main"] == size
    assert found["durations"] == [33333, 66667]


def test_a_wrong_control_is_one_line(tree):
    done = run("device", "run", "--source", "picamera", "--control", "ExposureTme=3", "--max-frames", 1)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no control ExposureTme" in done.stderr


def test_the_camera_is_let_go_when_a_control_or_a_format_is_refused(tree):
    """Held on, it could not be opened again by the next try."""
    found = probe("refused")
    assert "no control Nothing" in found["control"]["error"]
    assert "the camera grants " in found["format"]["error"]
    assert not found["control"]["held"]
    assert not found["format"]["held"]


def test_5000_frames_leave_no_request_and_no_memory_behind(tree):
    found = probe("many")
    assert found["frames"] == 5000
    assert found["requests_in_use"] <= 4  # the camera's own buffers
    assert found["requests_after_closing"] == 0
    assert found["threads_after_closing"] == 1
    assert found["grown_kib"] < 8 * 1024  # between the 1000th frame and the last; a frame has 300 KiB


def test_a_stall_is_noticed_and_the_camera_opened_again(tree):
    done = run("device", "run", "--source", "picamera", "--max-frames", 50, "--json", STALL_AFTER=60)
    assert done.returncode == 0, done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("warning: the camera delivered nothing for 3 s after ")
    assert said.endswith("opening it again in 0.5 s (attempt 1)")
    document = json.loads(done.stdout)
    assert (document["frames"], document["reopened"]) == (50, 1)


def test_stopping_does_not_wait_for_a_stalled_camera(tree):
    """With a wait of a minute: only an interrupted one can be over sooner."""
    found = probe("interrupted")
    assert found["took_s"] < 20
    assert found["threads_after_closing"] == 1


@pytest.mark.parametrize("variables", [{}, {"STALL_AFTER": 60}], ids=["playing", "stalling"])
def test_control_c_ends_it(tree, variables):
    rows = tree / "tmp/rows.jsonl"
    rows.unlink(missing_ok=True)
    arguments = ("run", "--source", "picamera", "--output", "/tmp/rows.jsonl")
    process = subprocess.Popen(
        command("device", *arguments, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + 30
    try:
        while not (rows.exists() and rows.stat().st_size > 1000):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        time.sleep(1)  # into the stall
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    assert "ended by SIGINT" in out
    assert "Traceback" not in err
