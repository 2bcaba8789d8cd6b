"""The tiny model and faces that the device's tests share."""

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
