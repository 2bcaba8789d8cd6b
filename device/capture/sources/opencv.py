"""What the sources that OpenCV reads have in common."""

import os
import time
from abc import abstractmethod
from collections.abc import Iterator

import cv2
import numpy as np

from device.errors import EdgeError
from device.frames import Frame, FrameSource
from device.opencv_log import SILENT, set_opencv_log_level

# FFmpeg and V4L2 print their own worries on standard error; ours are said in one line.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
set_opencv_log_level(SILENT)

LARGEST_PIXELS = 1 << 24  # of a film's or a stream's picture, of which several are held; 4K has 8.3 million


def refuse_large(capture: cv2.VideoCapture, name: str, remedy: str, pixel_ratio: float = 1.0) -> None:
    """Release ``capture`` and raise EdgeError where its pictures are too large, shown with square pixels.

    pixel_ratio: width of a pixel to its height.
    """
    width, height = (
        round(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    if width * height * max(pixel_ratio, 1 / pixel_ratio) > LARGEST_PIXELS:
        capture.release()
        raise EdgeError(
            f"{name} has pictures of {width}x{height}, expected at most {LARGEST_PIXELS:,} pixels; {remedy}"
        )


class CaptureSource(FrameSource):
    """A ``cv2.VideoCapture`` as a context. Subclasses say how to open it and what its end means."""

    def __init__(self) -> None:
        self.capture: cv2.VideoCapture | None = None

    @abstractmethod
    def _open(self) -> cv2.VideoCapture: ...

    def __enter__(self) -> "CaptureSource":
        self.capture = self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.capture is not None:
            self.capture.release()
            self.capture = None

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames as they arrive; a live source that stops delivering raises EdgeError."""
        index = 0
        while self.capture is not None:
            delivered, image = self._read(self.capture)
            if not delivered or image is None:
                self._ended(index)
                return
            yield Frame(image, index, time.monotonic_ns(), self._media_s(index))
            index += 1

    def _read(self, capture: cv2.VideoCapture) -> tuple[bool, np.ndarray | None]:
        try:
            return capture.read()
        except cv2.error:
            return False, None

    def _media_s(self, index: int) -> float | None:
        return None

    def _ended(self, frames: int) -> None:
        raise EdgeError(f"{self.name} stopped delivering after {frames} frames")
