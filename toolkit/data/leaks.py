"""Faces that stand in the training data and in held-out data too: a score on them measures memory."""

import numpy as np

from toolkit.data.copies import pixel_digests
from toolkit.data.dataset import Dataset


def without_leaks(train: Dataset, held_out: Dataset) -> Dataset:
    """Return ``train`` without the faces that also stand, pixel for pixel, in ``held_out``."""
    leaked = np.isin(pixel_digests(train.images), pixel_digests(held_out.images))
    return train.select(~leaked)


def leaked_rows(held_out: Dataset, train: Dataset) -> np.ndarray:
    """Return a mask, (N,) bool, of the faces of ``held_out`` that also stand in ``train``."""
    return np.isin(pixel_digests(held_out.images), pixel_digests(train.images))
