"""Cuts and large movements of the whole picture, told from a tiny gray copy of each frame."""

from enum import Enum

import cv2
import numpy as np

from device.faces.cropping import as_gray

GRID_WH = (16, 12)  # of the copy; at 5 frames a second a slow pan still overlaps itself
SAMPLED_PX = 64  # pixels read along the shorter side: enough for the grid's means
NOISE_LEVELS = 8.0  # standard deviation under which a picture is flat: sensor noise is no change
# In the films of benchmarks/clips.py a person or a slow pan changes a frame by up to 0.06, a fast pan every frame by
# 0.15; cuts within one room begin at 0.06, cuts to another place at 0.15.
JUMP = 0.05
CUT = 0.15
CHANGED_LEVELS = 16  # gray levels by which a cell of the grid has changed
WIDE = 0.18  # share of changed cells under which something in the scene has changed, not the scene
OVER_USUAL = 4.0  # a pan changes every frame alike, a jump only one
MOVED = 0.08  # so much has changed since the last full-frame detection that new faces may be in view


class Change(Enum):
    """How a frame follows the one before it."""

    STEADY = "the same scene, moving or panned over"
    JUMP = "something large is elsewhere: what was known must be found again"
    CUT = "another scene"


class SceneChange:
    """Compares each frame with the one before it, and with a marked one.

    The change is ``|a - b|² / (|a|² + |b|²)`` of the two gray copies, each less its mean: 0 for the same picture,
    about 1 for unrelated ones, and under 0.1 where only the exposure differs by half.
    """

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._marked: np.ndarray | None = None
        self._usual = 0.0

    def compare(self, image: np.ndarray) -> Change:
        """Return how ``image``, the next frame, follows the frame before it; the first one follows steadily."""
        copy = _gray_copy(image)
        last = copy if self._last is None else self._last
        change, wide = _change(last, copy), float((np.abs(last - copy) > CHANGED_LEVELS).mean()) > WIDE
        sudden = wide and change > OVER_USUAL * self._usual
        self._usual, self._last = 0.7 * self._usual + 0.3 * change, copy
        if not sudden or change < JUMP:
            return Change.STEADY
        return Change.JUMP if change < CUT else Change.CUT

    def mark(self) -> None:
        """Remember the last frame for ``has_moved``."""
        self._marked = self._last

    def has_moved(self) -> bool:
        """Return whether the last frame shows something else than the marked one, be it only shifted."""
        if self._last is None or self._marked is None:
            return True
        return _change(self._marked, self._last) > MOVED


def _gray_copy(image: np.ndarray) -> np.ndarray:
    step = max(1, min(image.shape[:2]) // SAMPLED_PX)
    sampled = as_gray(np.ascontiguousarray(image[::step, ::step]))
    copy = np.asarray(cv2.resize(sampled, GRID_WH, interpolation=cv2.INTER_AREA), np.float32).ravel()
    centred: np.ndarray = copy - copy.mean()
    return centred


def _change(one: np.ndarray, other: np.ndarray) -> float:
    flat = one.size * NOISE_LEVELS**2
    return float(((one - other) ** 2).sum() / (one @ one + other @ other + flat))
