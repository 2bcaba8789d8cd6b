"""A source whose pictures are turned, for a camera that hangs on its side or shows a mirror image."""

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from device.frames import Frame, FrameSource

ROTATE_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
FLIP_CODES = {"horizontal": 1, "vertical": 0, "both": -1}


def turned(image: np.ndarray, rotate: int, flip: str | None) -> np.ndarray:
    """Return ``image``, (H, W) or (H, W, 3) uint8, rotated clockwise by ``rotate`` degrees, then flipped."""
    if rotate:
        image = cv2.rotate(image, ROTATE_CODES[rotate])
    return image if flip is None else cv2.flip(image, FLIP_CODES[flip])


class TurnedSource(FrameSource):
    """``source`` with every picture turned; everything else is the source's own.

    >>> with TurnedSource(open_source("demo:1"), rotate=90) as source:
    ...     sizes = [frame.size_wh for frame in source]  # [(480, 640)]
    """

    def __init__(self, source: FrameSource, rotate: int = 0, flip: str | None = None):
        self.source, self.rotate, self.flip = source, rotate, flip
        self.name, self.live, self.continuous = source.name, source.live, source.continuous
        self.frozen_s, self.paths = source.frozen_s, source.paths

    def __enter__(self) -> "TurnedSource":
        self.source.__enter__()
        self.rate = self.source.rate
        return self

    def __exit__(self, *exc: object) -> None:
        self.source.__exit__(*exc)
        self.notes = self.source.notes

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.source:
            yield dataclasses.replace(frame, image=turned(frame.image, self.rotate, self.flip))

    def interrupt(self) -> None:
        """End the wait for a frame in which another thread is."""
        self.source.interrupt()
