"""The tiny model and faces that the device's tests share."""

import ctypes
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # the modules that several tests share


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """A seven-class int8 model of some kB with its metadata; models/make_tiny.py made it."""
    return Path(__file__).parent / "models" / "tiny_int8.tflite"


@pytest.fixture(scope="session")
def blobs() -> np.ndarray:
    """``(32, 48, 48) uint8``: seeded blobs of gray."""
    coarse = np.random.default_rng(1).integers(0, 256, (32, 6, 6), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def without_override() -> None:
    """For ``preexec_fn``: root, too, is then refused by a file's mode, as any user is; others stay as they are."""
    drop_bounding, override, read_search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop_bounding, capability, 0, 0, 0)


@pytest.fixture
def as_any_user():
    return without_override


@pytest.fixture
def cut_video():
    """A function that writes a video whose header promises more frames than its data holds."""

    def write(path: Path, promised: int, left: int) -> Path:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (160, 120))
        for number in range(promised):
            writer.write(np.full((120, 160, 3), 20 + number % 200, np.uint8))
        writer.release()
        content = path.read_bytes()
        starts = [found.start() for found in re.finditer(b"00dc....\xff\xd8", content, re.DOTALL)]
        assert len(starts) == promised
        path.write_bytes(content[: starts[left]])
        return path

    return write
