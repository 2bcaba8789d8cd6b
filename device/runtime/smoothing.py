"""Calm labels: each face's scores averaged over the last moments, and a label that does not flicker."""

import math
from dataclasses import dataclass

import numpy as np

FORGET_S = 5.0
# In the films of benchmarks/clips.py, 0.4 s of smoothing alone leaves labels that last for less than half a second: the
# flips of docs/figures/device_loop.md.
LEAD = 0.1  # by so much probability another label must lead before it is shown
HOLD_S = 0.5  # a label is shown for at least this long
OUTDATED_S = 1.0  # a label that was not the first for this long gives way to one that leads by less


@dataclass
class _Known:
    updated_s: float
    mean: np.ndarray
    label: int = -1
    label_s: float = -math.inf  # since when it is shown
    first_s: float = 0.0  # when it had the highest score last


class ScoreSmoother:
    """An exponential moving average of the scores of each face id, and the label to show.

    ``time_constant_s`` is how long ago a score counts for 1/e of a fresh one; 0 turns averaging and holding off.

    >>> smoother = ScoreSmoother(0.4)
    >>> mean = smoother.smooth(1, scores, now_s)  # (C,), as the scores
    >>> shown = smoother.calm_label(1, mean, now_s)  # index of a label
    """

    def __init__(self, time_constant_s: float):
        self.time_constant_s = time_constant_s
        self._faces: dict[int, _Known] = {}

    def smooth(self, face_id: int, scores: np.ndarray, now_s: float) -> np.ndarray:
        """Return the averaged scores ``(C,)`` of the face after a new measurement ``scores`` at ``now_s``."""
        if self.time_constant_s <= 0:
            return scores
        known = self._faces.get(face_id)
        if known is None:
            self._faces[face_id] = _Known(now_s, scores)
            return scores
        kept = math.exp(-max(now_s - known.updated_s, 0.0) / self.time_constant_s)
        known.updated_s, known.mean = now_s, kept * known.mean + (1 - kept) * scores
        return known.mean

    def last(self, face_id: int) -> np.ndarray | None:
        """Return the averaged scores of the face as they were, None for an unknown one."""
        known = self._faces.get(face_id)
        return None if known is None else known.mean

    def calm_label(self, face_id: int, mean: np.ndarray, now_s: float) -> int:
        """Return the label to show for the averaged scores ``mean`` of a face.

        Another label than the shown one must lead it by ``LEAD`` once that was shown for ``HOLD_S``; by anything
        once that was not the first for ``OUTDATED_S``.
        """
        best, known = int(mean.argmax()), self._faces.get(face_id)
        if known is None:
            return best
        leads = mean[best] >= mean[known.label] + LEAD or now_s - known.first_s >= OUTDATED_S
        if known.label < 0:
            known.label = best  # of a single frame: nothing holds it
        elif best != known.label and leads and now_s - known.label_s >= HOLD_S:
            known.label, known.label_s = best, now_s
        if best == known.label:
            known.first_s = now_s
        return known.label

    def forget_old(self, now_s: float) -> None:
        """Drop the faces that were not seen for some seconds, so that memory stays flat."""
        self._faces = {
            face_id: known
            for face_id, known in self._faces.items()
            if abs(now_s - known.updated_s) <= FORGET_S
        }
