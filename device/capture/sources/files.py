"""A video file, every frame in order."""

import math
from pathlib import Path
from typing import Any

import cv2

from device.capture.sources.opencv import CaptureSource
from device.errors import EdgeError
from device.files import native_path

USUAL_RATE = 30.0


class VideoFile(CaptureSource):
    """Whatever OpenCV's FFmpeg reads. ``notes`` says after the end if the file was cut short."""

    live = False

    def __init__(self, path: str | Path, **kwargs: Any):
        super().__init__(**kwargs)
        self.path = Path(path)
        self.name = str(path)
        self.rate: float | None = None
        self.notes: list[str] = []
        self._last_s = 0.0

    def _open(self) -> cv2.VideoCapture:
        if not self.path.is_file():
            raise EdgeError(f"no such file: {self.path}")
        try:
            with open(self.path, "rb") as file:
                if not file.read(1):
                    raise EdgeError(f"{self.path} is empty (0 bytes); expected a video")
        except OSError as error:
            raise EdgeError(f"cannot read {self.path}: {error.strerror}; check who may read it") from error
        capture = cv2.VideoCapture(native_path(self.path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise EdgeError(
                f"{self.path} is no video that OpenCV can read; expected .mp4, .mkv, .avi, .mjpg or .gif"
            )
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if math.isfinite(rate) and 0 < rate <= 1000 else USUAL_RATE
        return capture

    def _media_s(self, index: int) -> float:
        """Return the container's time of the frame just read; where it tells none, the frame before it and the rate."""
        told_s = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self.capture else math.nan
        if index == 0:
            self._last_s = told_s if math.isfinite(told_s) and told_s >= 0 else 0.0
        else:
            usable = math.isfinite(told_s) and told_s > self._last_s
            self._last_s = told_s if usable else self._last_s + 1 / (self.rate or USUAL_RATE)
        return self._last_s

    def _ended(self, frames: int) -> None:
        promised = self.capture.get(cv2.CAP_PROP_FRAME_COUNT) if self.capture else 0
        if frames == 0:
            raise EdgeError(
                f"{self.path} opens as a video but holds no readable frame; it is damaged or cut short"
            )
        if frames < promised - max(2, 0.02 * promised):
            self.notes.append(
                f"{self.path} is cut short: {frames} of {promised:.0f} promised frames were readable"
            )
