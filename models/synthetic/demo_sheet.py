"""The faces of the device's demo source: synthetic ones that OpenCV's frontal-face cascade surely finds."""

from pathlib import Path

import cv2
import numpy as np

from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.dataset import Dataset

FACES_PER_CLASS = 4
SIDES_PX = (100, 120, 140, 160, 180, 200)
BACKGROUNDS = (64, 128, 192)
CANVAS_PX = 320


def pick_demo_faces(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return four faces of each class, (28, 48, 48) uint8, those found in most trials, and the share of trials, (28,).

    Of faces found equally often the first ones of the data set are taken.
    """
    cascade = cv2.CascadeClassifier(
        str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml")
    )
    shares = np.array([found_share(image, cascade) for image in dataset.images])
    rows = []
    for label in range(len(FER2013_CLASSES)):
        candidates = np.flatnonzero(dataset.labels == label)
        rows.append(candidates[np.argsort(-shares[candidates], kind="stable")][:FACES_PER_CLASS])
    picked = np.concatenate(rows)
    return dataset.images[picked], shares[picked]


def found_share(face: np.ndarray, cascade: cv2.CascadeClassifier) -> float:
    """Return in how many of the trials the cascade finds the face and nothing else, 0 to 1."""
    found = [finds(face, side, gray, cascade) for side in SIDES_PX for gray in BACKGROUNDS]
    return sum(found) / len(found)


def finds(face: np.ndarray, side_px: int, background: int, cascade: cv2.CascadeClassifier) -> bool:
    """Return whether the cascade finds just the face, magnified to ``side_px``, on a plain background."""
    canvas = np.full((CANVAS_PX, CANVAS_PX), background, np.uint8)
    corner = (CANVAS_PX - side_px) // 2
    inside = slice(corner, corner + side_px)
    canvas[inside, inside] = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    boxes = cascade.detectMultiScale(canvas, 1.1, 5, minSize=(side_px // 2,) * 2)
    if len(boxes) != 1:
        return False
    x, y, width, height = boxes[0]
    off_x, off_y = x + width / 2 - CANVAS_PX / 2, y + height / 2 - CANVAS_PX / 2
    return max(abs(off_x), abs(off_y)) < side_px / 6 and width > 0.6 * side_px
