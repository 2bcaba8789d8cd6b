"""Bringing the eyes of small face crops to one place, so that statistics over faces compare like with like."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from toolkit.data.dataset import FACE_SIZE

# Where aligned eyes stand in the 48x48 face: the usual place in FER2013's own crops.
EYES_CENTRE_XY = (23.5, 19.5)
EYES_DISTANCE_PX = 20.0

# OpenCV's eye cascade needs eyes of 20 pixels or more; those of a 48x48 face have about 10.
EYE_CASCADE = str(Path(cv2.__file__).parent / "data" / "haarcascade_eye.xml")
MAGNIFICATION = 4
EYE_BAND_ROWS = slice(5, 30)
EYE_SIZE_PX = (7, 19)
FACES_PER_TASK = 100


def align_by_eyes(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the faces of (N, 48, 48) uint8 whose two eyes are found, turned, scaled and shifted to the same place.

    Returns the aligned faces, (M, 48, 48) uint8, and their rows in ``images``, (M,) int64.
    """
    starts = range(0, len(images), FACES_PER_TASK)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(
            lambda start: list(_align_some(images[start : start + FACES_PER_TASK], start)), starts
        )
        found = [pair for part in parts for pair in part]
    faces = np.array([face for face, _ in found], np.uint8).reshape(-1, FACE_SIZE, FACE_SIZE)
    return faces, np.array([row for _, row in found], np.int64)


def _align_some(images: np.ndarray, first_row: int) -> Iterator[tuple[np.ndarray, int]]:
    cascade = cv2.CascadeClassifier(EYE_CASCADE)  # each thread its own: it keeps buffers
    for row, image in enumerate(images, start=first_row):
        eyes = find_eyes(image, cascade)
        if eyes is not None:
            transform = eyes_transform(*eyes)
            yield cv2.warpAffine(image, transform, image.shape[::-1], borderMode=cv2.BORDER_REPLICATE), row


def find_eyes(image: np.ndarray, cascade: cv2.CascadeClassifier) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the (x, y) of the left and the right eye in a (48, 48) face, in its pixels; None if not both are found."""
    large = cv2.resize(image, None, fx=MAGNIFICATION, fy=MAGNIFICATION, interpolation=cv2.INTER_CUBIC)
    top = EYE_BAND_ROWS.start
    band = large[top * MAGNIFICATION : EYE_BAND_ROWS.stop * MAGNIFICATION]
    smallest, largest = (size * MAGNIFICATION for size in EYE_SIZE_PX)
    boxes = cascade.detectMultiScale(band, 1.08, 3, minSize=(smallest,) * 2, maxSize=(largest,) * 2)
    found = [np.array([x + w / 2, y + h / 2, w]) / MAGNIFICATION + (0, top, 0) for x, y, w, h in boxes]
    pairs = [(left, right) for left in found for right in found if _may_be_a_pair(left, right)]
    if not pairs:
        return None
    left, right = min(pairs, key=lambda pair: _unlikeness(*pair))
    return left[:2], right[:2]


def _may_be_a_pair(left: np.ndarray, right: np.ndarray) -> bool:
    across, down, _ = right - left
    middle = FACE_SIZE / 2
    return left[0] < middle < right[0] and 13 < across < 30 and abs(down) < 0.35 * across


def _unlikeness(left: np.ndarray, right: np.ndarray) -> float:
    """Return how little two boxes look like a pair: of different size, or off the middle."""
    return abs(left[2] - right[2]) + 0.3 * abs(left[0] + right[0] - FACE_SIZE)


def eyes_transform(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the (2, 3) similarity that brings the eyes to EYES_CENTRE_XY, level and EYES_DISTANCE_PX apart."""
    across, down = (right - left) * EYES_DISTANCE_PX / ((right - left) ** 2).sum()
    turn = np.array([[across, down], [-down, across]])
    shift = np.array(EYES_CENTRE_XY) - turn @ ((left + right) / 2)
    return np.column_stack([turn, shift])
