"""An annotated video file, Motion JPEG in .avi or .mkv or MPEG-4 in .mp4; readable up to a power cut."""

import contextlib
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError, UsageError
from device.files import TEMPORARY, hold, native_path, refuse_existing, refuse_full, refuse_unwritable
from device.frames import Frame, FrameSource
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.drawing import annotated

CODECS = {".avi": "MJPG", ".mkv": "MJPG", ".mp4": "mp4v"}
# FFmpeg picks the container by the name at the opening: an .mp4 has its index at the end and is lost without it,
# .ismv is the same in fragments.
FRAGMENTED = {".mp4": ".ismv"}
RATE = 30.0  # frames a second, but of a file that has its own
LONGEST_PAUSE_S = 2.0  # of a live source: one that was away for hours does not stand still for hours
KEPT_FREE_MB = 64  # of the disk: the end of the film needs some, and OpenCV does not tell a full one
LOOK_FRAMES = 30  # between looks at the disk


def refuse_film(path: str | Path, overwrite: bool) -> None:
    """Raise UsageError for a suffix that no film has, EdgeError if a film cannot be begun there later."""
    if Path(path).suffix.lower() not in CODECS:
        raise UsageError(f"`video` {path}: expected a name ending in {', '.join(CODECS)}")
    refuse_unwritable(path, overwrite)


class VideoSink(Sink):
    """Writes a film that lasts as long as what it shows, at the size of its first frame; for its owner only.

    Every frame of a file, at the file's rate; of a live ``source`` ``RATE`` frames a second: between late ones the
    picture before is repeated, of early ones some are left out.
    """

    def __init__(
        self, path: str | Path, source: FrameSource, overwrite: bool = False, blur_faces: bool = False
    ):
        refuse_film(path, overwrite)
        self.path, self.name = Path(path), str(path)
        self.source, self.overwrite, self.blur_faces = source, overwrite, blur_faces
        self._writer: cv2.VideoWriter | None = None
        self._lock = contextlib.ExitStack()
        self._size_wh = (0, 0)
        self._began_s = self._newest_s = 0.0
        self._written = 0
        self._picture: np.ndarray | None = None

    def begin(self) -> None:
        """Remove the film that was there: if no frame comes there is none.

        EdgeError where another run writes it, where it came meanwhile and may not be replaced, or where the disk has no
        room for one.
        """
        if self._is_on_a_disk():
            refuse_full(self.path, KEPT_FREE_MB)
        if self.path.is_file():
            refuse_existing(self.path, self.overwrite)
            with open(self.path, "ab") as there:
                hold(there, self.path)
                self.path.unlink()

    def write(self, result: FrameResult) -> None:
        if self._writer is None:
            self._writer = self._open(result.frame)
        late = self._late(result.frame) if self.source.live else 0
        if late < 0:
            return
        for _ in range(late):
            assert self._picture is not None, "the first frame is never late"
            self._add(self._picture)
        self._picture = annotated(result, self.blur_faces)
        if result.frame.size_wh != self._size_wh:
            self._picture = cv2.resize(self._picture, self._size_wh)
        self._add(self._picture)

    def _add(self, picture: np.ndarray) -> None:
        assert self._writer is not None
        if self._written % LOOK_FRAMES == 0 and self.path.is_file():
            refuse_full(self.path, KEPT_FREE_MB, begun=True)
        self._writer.write(picture)
        self._written += 1

    def _is_on_a_disk(self) -> bool:
        """Return whether the film is a file, not a pipe or a device."""
        return self.path.is_file() or not self.path.exists()

    def _open(self, frame: Frame) -> cv2.VideoWriter:
        rate = (self.source.rate or RATE) if not self.source.live else RATE
        suffix = self.path.suffix.lower()
        codec = cv2.VideoWriter.fourcc(*CODECS[suffix])
        place = self.path
        if self._is_on_a_disk():
            ending = FRAGMENTED.get(suffix, suffix)
            # Its owner's alone, like all pictures of people.
            handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=ending, dir=self.path.parent)
            place = Path(name)
            hold(self._lock.enter_context(os.fdopen(handle, "ab")), place)
        try:
            writer = cv2.VideoWriter(native_path(place), cv2.CAP_FFMPEG, codec, rate, frame.size_wh)
            if not writer.isOpened():
                raise EdgeError(f"cannot write {self.path}: OpenCV refuses it; choose another place or .avi")
            if place != self.path:
                self.begin()  # another run may have begun one since
                os.replace(place, self.path)
        finally:
            if place != self.path:
                place.unlink(missing_ok=True)
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
        """End the film; EdgeError if it is not all on the disk, which OpenCV does not tell."""
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if not self.path.is_file():
            return
        film = cv2.VideoCapture(native_path(self.path), cv2.CAP_FFMPEG)
        kept = film.get(cv2.CAP_PROP_FRAME_COUNT)
        film.release()
        if kept < self._written - max(2, 0.02 * self._written):
            raise EdgeError(
                f"{self.path} is cut short: {max(kept, 0):.0f} of {self._written} frames; is the disk full?"
            )
