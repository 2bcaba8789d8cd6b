"""What all tests share."""

import gc
import logging
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
# A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Under nohup they would ignore the end of their terminal, too; the tests themselves go on all the same.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)

# The commands that the tests start run this clone, whatever tree the environment was installed from. A copy of the
# tests alone (hardware/test_wheel.py) is for the installed packages.
if (ROOT / "device").is_dir():
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

SHARED_VARIABLE = "FER_EDGE_SHARED"


@pytest.fixture(scope="module", autouse=True)
def collector_passes_over_what_is_there():
    """TensorFlow, Keras and the tests before hold a million objects, through which each full collection would go."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The data that may not be committed: $FER_EDGE_SHARED, else ``shared`` beside the repository."""
    folder = Path(os.environ.get(SHARED_VARIABLE, ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}; set {SHARED_VARIABLE}")
    return folder


@pytest.fixture
def said():
    """The lines that ``device`` logs during the test."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    handler = Kept()
    logging.getLogger("device").addHandler(handler)
    yield lines
    logging.getLogger("device").removeHandler(handler)


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """YuNet's file: the package's, else the shared one; skips where neither is."""
    from device.faces.detectors.yunet_file import PACKAGED_YUNET, YUNET_NAME

    shared = os.environ.get(SHARED_VARIABLE, Path(__file__).parents[1].parent / "shared")
    for path in (PACKAGED_YUNET, Path(shared) / "data/detectors" / YUNET_NAME):
        if path.is_file():
            return path
    pytest.skip("YuNet's file is missing; run models/get_yunet.py")


@pytest.fixture(scope="session")
def a_result():
    """Makes a result of noise with ``faces`` faces."""
    from device.frames import BoundingBox, Frame
    from device.results import Face, FrameResult

    def build(index: int, faces: int = 1, label: str = "happy", gray: bool = False) -> FrameResult:
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (120, 160) if gray else (120, 160, 3), dtype=np.uint8)
        scores = {"happy": 0.75, "sad": 0.25} if label == "happy" else {"happy": 0.1, "sad": 0.9}
        boxes = [BoundingBox(20 + 60 * n, 30, 60 + 60 * n, 80) for n in range(faces)]
        found = tuple(
            Face(n + 1, box, label, scores[label], scores, label, scores) for n, box in enumerate(boxes)
        )
        captured = datetime(2026, 11, 21, 10, tzinfo=UTC) + timedelta(milliseconds=index)
        frame = Frame(image, index, index * 10**7)
        return FrameResult(frame, captured, 1.5, found, {"detect": 1.0, "frame": 1.25})

    return build


@pytest.fixture(scope="session")
def stripes(tmp_path_factory):
    """Folders by split and class: 'happy' has horizontal stripes, 'sad' vertical ones. Not to be changed."""
    import cv2

    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    wave = 100 + 80 * np.sin(np.arange(48) / 2)
    for split, count in (("train", 40), ("validation", 10)):
        for name in ("happy", "sad"):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                picture = np.tile(np.roll(wave, number), (48, 1)) + rng.normal(0, 10, (48, 48))
                picture = picture.T if name == "happy" else picture
                cv2.imwrite(
                    str(folder / split / name / f"{number}.png"), picture.clip(0, 255).astype(np.uint8)
                )
    return folder
