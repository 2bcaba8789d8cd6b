"""Which faces are the same, pixel for pixel, and which of them leak from training into held-out data: a score on those
measures memory."""

import hashlib

import numpy as np

from toolkit.data.dataset import Dataset


def pixel_digests(images: np.ndarray) -> np.ndarray:
    """Return a number for each face of (N, H, W) uint8, (N,) uint64, equal where all pixels are equal.

    64 bits of BLAKE2b: among a million faces, two different ones share a number once in 40 million sets.
    """
    digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def copy_groups(images: np.ndarray) -> np.ndarray:
    """Return for each face the number of its group of identical faces, (N,) int64, counted from 0."""
    return np.unique(pixel_digests(images), return_inverse=True)[1]


def leaked_rows(faces: Dataset, others: Dataset) -> np.ndarray:
    """Return a mask, (N,) bool, of those of ``faces`` that also stand in ``others``."""
    return np.isin(pixel_digests(faces.images), pixel_digests(others.images))


def without_leaks(train: Dataset, held_out: Dataset) -> Dataset:
    """Return ``train`` without the faces that also stand in ``held_out``."""
    return train.select(~leaked_rows(train, held_out))
