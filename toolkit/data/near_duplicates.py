"""Faces that are nearly the same: the same photograph cut, lit or compressed otherwise."""

import cv2
import numpy as np

from toolkit.data.dataset import FACE_SIZE

# So many of the 64 bits may differ; the correlation of the pixels then decides. On FER2013 that gives 687 pairs, and
# 8 bits would add 61 for twice the candidates.
MOST_BITS = 6
LEAST_CORRELATION = 0.95
HASH_BITS = 64
ROWS_AT_ONCE = 512
FREQUENCIES = 12
THUMBNAIL = 16
LEAST_OF_THUMBNAILS = 0.9


def near_pairs(images: np.ndarray) -> np.ndarray:
    """Return the pairs of rows of (N, 48, 48) uint8 that hold nearly the same face, (P, 2) int64, ascending.

    Faces without any contrast are like nothing. The time grows with the square of N: 30,000 faces take seconds.
    """
    hashes = perceptual_hashes(images)
    found = []
    for start in range(0, len(hashes), ROWS_AT_ONCE):
        some = hashes[start : start + ROWS_AT_ONCE]
        first, later = np.nonzero(np.bitwise_count(some[:, None] ^ hashes[None, start:]) <= MOST_BITS)
        ascending = later > first
        found.append(np.column_stack([first[ascending], later[ascending]]) + start)
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    return pairs[correlations(images, pairs) >= LEAST_CORRELATION]


def has_near_copy(faces: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return which of ``faces``, (N, 48, 48) uint8, have another cut or light of the same photograph in ``among``, (N,)
    bool.

    So it is taken to be where the pixels of their thumbnails, one of them mirrored or not, correlate by 0.9 or more:
    looser than ``near_pairs``, for what a network that learnt ``among`` by heart would know again.

    >>> alone = ~has_near_copy(data.validation.images, data.train.images)
    """
    known = _thumbnails(among)
    nearest = [(_thumbnails(seen) @ known.T).max(axis=1) for seen in (faces, faces[:, :, ::-1])]
    return np.asarray(np.max(nearest, axis=0) >= LEAST_OF_THUMBNAILS)


def _thumbnails(faces: np.ndarray) -> np.ndarray:
    """Return (N, 48, 48) uint8 faces as (N, 256) float32, whose products are the thumbnails' correlations."""
    small = [cv2.resize(face, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA) for face in faces]
    return standardized(np.array(small))


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """Return 64 bits for each face of (N, 48, 48) uint8, (N,) uint64: which of its lowest frequencies are strong.

    A discrete cosine transform, its 64 lowest frequencies but the mean, each compared with their median, after Zauner,
    "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010).
    """
    place, frequency = np.arange(FACE_SIZE) + 0.5, np.arange(FREQUENCIES)[:, None]
    waves = np.cos(np.pi * place * frequency / FACE_SIZE).astype(np.float32)
    across, down = np.meshgrid(np.arange(FREQUENCIES), np.arange(FREQUENCIES))
    lowest = np.lexsort((down.ravel(), (across + down).ravel()))[1 : HASH_BITS + 1]
    hashes = np.empty(len(images), np.uint64)
    for start in range(0, len(images), ROWS_AT_ONCE):
        some = np.asarray(images[start : start + ROWS_AT_ONCE], np.float32)
        strengths = (waves @ some @ waves.T).reshape(len(some), -1)[:, lowest]
        bits = strengths > np.median(strengths, axis=1, keepdims=True)
        hashes[start : start + len(some)] = np.ascontiguousarray(np.packbits(bits, axis=1)).view(">u8")[:, 0]
    return hashes


def correlations(images: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the correlation of the pixels of each pair of rows, (P,) float32; 0 for a face without contrast."""
    result = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), ROWS_AT_ONCE):
        some = pairs[start : start + ROWS_AT_ONCE]
        first, second = (standardized(images[some[:, side]]) for side in (0, 1))
        result[start : start + len(some)] = (first * second).sum(axis=1)
    return result


def standardized(images: np.ndarray) -> np.ndarray:
    """Return (N, H, W) pictures as (N, H * W) float32 of mean 0 and length 1: their products are correlations."""
    pixels = np.asarray(images, np.float32).reshape(len(images), -1)
    pixels = pixels - pixels.mean(axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1)
    return np.asarray(pixels / lengths)
