"""Which faces are the same, pixel for pixel."""

import hashlib

import numpy as np


def pixel_digests(images: np.ndarray) -> np.ndarray:
    """Return a number for each face of (N, H, W) uint8, (N,) uint64, equal where all pixels are equal.

    64 bits of BLAKE2b: among a million faces, two different ones share a number once in 40 million sets.
    """
    digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def copy_groups(images: np.ndarray) -> np.ndarray:
    """Return for each face the number of its group of identical faces, (N,) int64, counted from 0."""
    return np.unique(pixel_digests(images), return_inverse=True)[1]
