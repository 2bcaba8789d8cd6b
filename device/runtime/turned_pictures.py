"""Whether a source's pictures stand on their head or on a side: a detector finds upright faces alone."""

import logging

import numpy as np

from device.capture.sources.turned import turned
from device.faces.detectors.base import Detector, scaled
from device.results import FrameResult

log = logging.getLogger(__name__)

LOOKED_PX = 320  # longer side of the picture that is kept, and searched at the end
ANGLES = (90, 270, 180)  # degrees clockwise; the first two make pictures of one size, planned for once
SINGLE_FLIPS = (
    "horizontal",
    "vertical",
)  # what is turned clockwise before one of them ends up turned the other way


class TurnedPictures:
    """An ``Inline`` sink: where most pictures showed no face, a warning at the end if one shows a certain one turned.

    ``rotate`` and ``flip`` are those of the pictures as they come: what is told is the ``rotate`` to ask for instead.
    A detector without certain faces, as Haar's, tells nothing.

    >>> sink = TurnedPictures(create_detector())
    """

    name = "turned pictures"

    def __init__(self, detector: Detector, rotate: int = 0, flip: str | None = None):
        self.detector, self.rotate, self.flip = detector, rotate, flip
        self._frames = self._empty = 0
        self._picture: np.ndarray | None = None

    def write(self, result: FrameResult) -> None:
        self._frames += 1
        self._empty += not result.faces
        if 2 * self._empty <= self._frames:
            self._picture = None
        # The 1st, 2nd, 4th, 8th …: what is kept at the end is of the later half.
        elif not result.faces and (self._picture is None or self._empty.bit_count() == 1):
            image = result.frame.image
            self._picture = scaled(image, min(1.0, LOOKED_PX / max(image.shape[:2])))

    def close(self) -> None:
        if self._picture is None or self.detector.certain_score > 1:
            return
        for angle in ANGLES:
            faces = self.detector.detect(turned(self._picture, angle, None))
            if any(face.score >= self.detector.certain_score for face in faces):
                asked = self.rotate + (-angle if self.flip in SINGLE_FLIPS else angle)
                log.warning("most pictures show no face, but with `rotate` %d one of them does", asked % 360)
                return
