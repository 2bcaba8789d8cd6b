"""Whether a source's pictures stand on their head or on a side: a detector finds upright faces alone."""

import logging

import numpy as np

from device.capture.settings import ROTATIONS
from device.capture.sources.turned import turned
from device.faces.detectors.base import Detector, scaled
from device.results import FrameResult

log = logging.getLogger(__name__)

LOOKED_PX = 320  # longer side of what is searched at the end: a fifth of a second on the slowest board


class TurnedPictures:
    """An ``Inline`` sink: where most pictures showed no face, a warning at the end if one shows a certain one turned.

    >>> sink = TurnedPictures(create_detector())
    """

    name = "turned pictures"

    def __init__(self, detector: Detector):
        self.detector = detector
        self._frames = self._empty = 0
        self._picture: np.ndarray | None = None

    def write(self, result: FrameResult) -> None:
        self._frames += 1
        if not result.faces:
            self._empty += 1
            # The 1st, 2nd, 4th, 8th …: what is kept at the end is of the later half.
            if self._empty.bit_count() == 1:
                self._picture = result.frame.image

    def close(self) -> None:
        if self._picture is None or 2 * self._empty <= self._frames:
            return
        picture = scaled(self._picture, min(1.0, LOOKED_PX / max(self._picture.shape[:2])))
        for angle in ROTATIONS[1:]:
            faces = self.detector.detect(turned(picture, angle, None))
            if any(face.score >= self.detector.certain_score for face in faces):
                log.warning(
                    "most pictures show no face, but one turned clockwise by %d degrees does: see `rotate`",
                    angle,
                )
                return
