"""Calm labels: each face's scores averaged over the last moments."""

import math

import numpy as np

FORGET_S = 5.0


class ScoreSmoother:
    """An exponential moving average of the scores of each face id.

    ``time_constant_s`` is how long ago a score counts for 1/e of a fresh one; 0 turns the averaging off.
    """

    def __init__(self, time_constant_s: float):
        self.time_constant_s = time_constant_s
        self._faces: dict[int, tuple[float, np.ndarray]] = {}

    def smooth(self, face_id: int, scores: np.ndarray, now_s: float) -> np.ndarray:
        """Return the averaged scores ``(C,)`` of the face after a new measurement ``scores`` at ``now_s``."""
        if self.time_constant_s <= 0:
            return scores
        if face_id in self._faces:
            before_s, mean = self._faces[face_id]
            kept = math.exp(-max(now_s - before_s, 0.0) / self.time_constant_s)
            scores = kept * mean + (1 - kept) * scores
        self._faces[face_id] = now_s, scores
        return scores

    def forget_old(self, now_s: float) -> None:
        """Drop the faces that were not seen for some seconds, so that memory stays flat."""
        self._faces = {key: kept for key, kept in self._faces.items() if abs(now_s - kept[0]) <= FORGET_S}
