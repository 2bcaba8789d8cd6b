"""An annotated video file, Motion JPEG in .avi or .mkv or MPEG-4 in .mp4."""

from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError, UsageError
from device.files import refuse_unwritable
from device.frames import Frame, FrameSource
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.drawing import annotated

CODECS = {".avi": "MJPG", ".mkv": "MJPG", ".mp4": "mp4v"}
RATE = 30.0  # frames a second, but of a file that has its own
LONGEST_PAUSE_S = 2.0  # of a live source: one that was away for hours does not stand still for hours


class VideoSink(Sink):
    """Writes a film that lasts as long as what it shows, at the size of its first frame.

    Every frame of a file, at the file's rate; of a live ``source`` ``RATE`` frames a second: between late ones the
    picture before is repeated, of early ones some are left out.
    """

    def __init__(
        self, path: str | Path, source: FrameSource, overwrite: bool = False, blur_faces: bool = False
    ):
        self.path, self.name = Path(path), str(path)
        if self.path.suffix.lower() not in CODECS:
            raise UsageError(f"--video {path}: expected a name ending in {', '.join(CODECS)}")
        refuse_unwritable(path, overwrite)
        self.source, self.blur_faces = source, blur_faces
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)
        self._began_s = self._newest_s = 0.0
        self._written = 0
        self._picture: np.ndarray | None = None

    def write(self, result: FrameResult) -> None:
        if self._writer is None:
            self._writer = self._open(result.frame)
        late = self._late(result.frame) if self.source.live else 0
        if late < 0:
            return
        for _ in range(late):
            assert self._picture is not None, "the first frame is never late"
            self._writer.write(self._picture)
        self._picture = annotated(result, self.blur_faces)
        if result.frame.size_wh != self._size_wh:
            self._picture = cv2.resize(self._picture, self._size_wh)
        self._writer.write(self._picture)
        self._written += late + 1

    def _open(self, frame: Frame) -> cv2.VideoWriter:
        rate = RATE if self.source.live else self.source.rate or RATE
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self.path), codec, rate, frame.size_wh)
        if not writer.isOpened():
            raise EdgeError(f"cannot write {self.path}: OpenCV refuses it; choose another place or .avi")
        self._size_wh = frame.size_wh
        self._began_s = self._newest_s = frame.captured_ns / 1e9
        return writer

    def _late(self, frame: Frame) -> int:
        """Return how many frames of the film are missing before this one; below 0: its place is taken."""
        now_s = frame.captured_ns / 1e9
        self._began_s += max(0.0, now_s - self._newest_s - LONGEST_PAUSE_S)
        self._newest_s = now_s
        return round((now_s - self._began_s) * RATE) - self._written

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()
