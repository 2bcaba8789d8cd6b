"""The device's command line as a user's pip installs it on arm64: Debian 12 and 13, under qemu-user.

The project's own wheel with what pip chooses for aarch64, no more than Python beside it. Needs qemu-user,
mmdebstrap and gcc (Debian: apt install qemu-user mmdebstrap gcc) and the package index; makes arm64 systems of 900 MB
in the user's cache at the first run. Two minutes of processor time.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from device.model.expression_model import load_model
from toolkit.emulation.boards import BOARDS, Board
from toolkit.emulation.guest_process import run_guest
from toolkit.emulation.tree import (
    BOOKWORM,
    TRIXIE,
    System,
    ensure_packages,
    ensure_tree,
    install_wheels,
    missing_programs,
)

pytestmark = [
    pytest.mark.toolkit,
    pytest.mark.skipif(bool(missing_programs()), reason=f"apt install {' '.join(missing_programs())}"),
]
DEVICE = Path(__file__).parents[2] / "device"
PICAMERA2_PINS = ("numpy==1.24.2", "opencv-python-headless==4.11.0.86")
# What users have: the system, what they pin, the board whose core runs the command line.
COMBINATIONS = {
    "bookworm": (BOOKWORM, (), "pi4"),
    "trixie": (TRIXIE, (), "pi5"),
    "bookworm-picamera2": (BOOKWORM, PICAMERA2_PINS, "pi-zero-2w"),
}
FRAMES = 8  # the whole frame is searched until the faces are known, then they are followed


@dataclass(frozen=True)
class Installation:
    """The wheel and its dependencies on an emulated system."""

    system: System
    pins: tuple[str, ...]
    board: Board
    wheel: Path
    packages: Path
    home: Path

    def python(self, board: Board, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        path = [self.wheel, self.packages]
        return run_guest(board, ensure_tree(self.system), arguments, path, home=self.home)

    def device(self, *arguments: str | Path) -> str:
        """Run the installed script; return what it prints."""
        done = self.python(self.board, self.wheel / "bin/device", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


def requirements_of(wheel: Path) -> list[str]:
    """Return what the wheel asks for without extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        asked = BytesParser().parsebytes(archive.read(name)).get_all("Requires-Dist")
    return [one for one in asked if "extra ==" not in one]


@pytest.fixture(scope="module", params=COMBINATIONS)
def installed(request, wheel, tmp_path_factory) -> Installation:
    system, pins, board = COMBINATIONS[request.param]
    try:
        ensure_tree(system)
    except EdgeError as error:
        pytest.skip(str(error))
    packages = ensure_packages(system, [*requirements_of(wheel), *pins])
    folder = tmp_path_factory.mktemp(request.param)
    install_wheels(system, [str(wheel)], folder / "wheel", "--no-deps")
    return Installation(system, pins, BOARDS[board], folder / "wheel", packages, folder)


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> Path:
    """Every face of the demo: 28 of seven classes, ``(28, 48, 48) uint8``."""
    sheet = cv2.imread(str(DEVICE / "data/demo_faces.png"), cv2.IMREAD_GRAYSCALE)
    rows, columns = sheet.shape[0] // 48, sheet.shape[1] // 48
    path = tmp_path_factory.mktemp("crops") / "crops.npy"
    np.save(path, sheet.reshape(rows, 48, columns, 48).swapaxes(1, 2).reshape(-1, 48, 48))
    return path


def faces_of(rows: Path) -> list[list[dict]]:
    return [json.loads(line)["faces"] for line in rows.read_text().splitlines()]


def overlap(one: list[int], other: list[int]) -> float:
    """Return the intersection of two boxes ``[x0, y0, x1, y1]`` over their union."""
    shared = math.prod(np.maximum(0, np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])))
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other)]
    return shared / (sum(areas) - shared)


def assert_same_faces(rows: Path, source: str | Path, folder: Path) -> None:
    """Hold the rows of an emulated run against this machine's: the same faces, and what is clear named alike."""
    script = Path(sys.executable).with_name("device")
    expected = folder / "host.jsonl"
    command = [script, "run", "--source", source, "--max-frames", str(FRAMES), "--output", expected, "-q"]
    subprocess.run(command, check=True, env={**os.environ, "HOME": str(folder)})
    assert any(faces_of(expected))
    for here, there in zip(faces_of(expected), faces_of(rows), strict=True):
        assert [face["id"] for face in here] == [face["id"] for face in there]
        for ours, theirs in zip(here, there, strict=True):
            # The cascade's arithmetic differs from processor to processor: boxes by some pixels.
            assert overlap(ours["box_xyxy"], theirs["box_xyxy"]) > 0.8
            assert ours["label"] == theirs["label"] or ours["probability"] < 0.6


def test_pip_takes_what_is_asked_for(installed):
    found = {path.name.removesuffix(".dist-info") for path in installed.packages.glob("*.dist-info")}
    names = {one.split("-")[0] for one in found}
    assert {"numpy", "opencv_python_headless", "ai_edge_litert", "click"} <= names
    assert found >= {pin.replace("-", "_").replace("==", "-") for pin in installed.pins}


def test_info(installed):
    told = json.loads(installed.device("info", "--json"))
    assert told["sha256"] == hashlib.sha256((DEVICE / "data/fer7_int8.tflite").read_bytes()).hexdigest()
    assert tuple(told["labels"]) == load_model().labels


@pytest.mark.parametrize("source", ["demo", "help.mkv"])
def test_run(installed, source, request, tmp_path):
    if source != "demo":
        source = request.getfixturevalue("shared_dir") / "data/video" / source
    rows = tmp_path / "rows.jsonl"
    told = json.loads(
        installed.device("run", "--source", source, "--max-frames", str(FRAMES), "--output", rows, "--json")
    )
    assert (told["frames"], told["reopened"], told["notes"]) == (FRAMES, 0, [])
    assert_same_faces(rows, source, tmp_path)


def test_benchmark(installed):
    told = json.loads(installed.device("benchmark", "--runs", "10", "--warmup", "2", "--json"))
    assert told["machine"] == "aarch64"
    assert told["python"].startswith(installed.system.python + ".")
    (model,) = told["models"]
    assert model["latency"]["n"] == 10
    assert 0 < model["latency"]["p50_ms"] <= model["latency"]["p99_ms"]


def test_scores_are_those_of_x86(installed, crops):
    """On every core; what users pin beside LiteRT is tried on one."""
    model = load_model()
    expected = np.array([model.infer(model.prepare(crop)) for crop in np.load(crops)], np.int64)
    for board in [installed.board] if installed.pins else BOARDS.values():
        done = installed.python(board, Path(__file__).with_name("arm64_scores.py"), crops)
        assert done.returncode == 0, done.stderr
        assert "Created TensorFlow Lite XNNPACK delegate" in done.stderr
        scores = np.array(json.loads(done.stdout))
        assert np.abs(scores - expected).max() <= 1, board.name
        assert (scores.argmax(axis=1) == expected.argmax(axis=1)).all(), board.name
