"""How much new faces resemble the faces that a model of them was fitted on."""

import numpy as np
from synthetic.face_model import middle_window, mirrored, normalize_light

ROWS_AT_ONCE = 4096


def highest_resemblance(faces: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return the highest correlation of each of (N, 48, 48) uint8 with any of ``real`` or its mirror image, (N,).

    ``real`` is (M, 2304) float32 as ``normalize_light`` returns it. The correlation is over the pixels, weighted
    towards the middle of the face; it is 1 for a copy in any light.
    """
    weights = np.sqrt(middle_window())
    ours = unit_rows(normalize_light(faces)[0] * weights)
    both = np.concatenate([ours, mirrored(ours)])
    best = np.full(len(both), -1.0, np.float32)
    for start in range(0, len(real), ROWS_AT_ONCE):
        theirs = unit_rows(real[start : start + ROWS_AT_ONCE] * weights)
        best = np.maximum(best, (both @ theirs.T).max(axis=1))
    return np.maximum(best[: len(ours)], best[len(ours) :])


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Return rows scaled to length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
