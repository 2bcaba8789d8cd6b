"""The tiny model and faces that the device's tests share."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """A seven-class int8 model of some kB with its metadata; models/make_tiny.py made it."""
    return Path(__file__).parent / "models" / "tiny_int8.tflite"


@pytest.fixture(scope="session")
def blobs() -> np.ndarray:
    """``(32, 48, 48) uint8``: seeded blobs of gray."""
    coarse = np.random.default_rng(1).integers(0, 256, (32, 6, 6), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


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
        captured = datetime(2026, 11, 21, 10, 0, 0, index * 1000, tzinfo=UTC)
        frame = Frame(image, index, index * 10**7)
        return FrameResult(frame, captured, 1.5, found, {"detect": 1.0, "frame": 1.25})

    return build
