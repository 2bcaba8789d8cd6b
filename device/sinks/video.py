"""An annotated video file, Motion JPEG in .avi or .mkv or MPEG-4 in .mp4."""

from pathlib import Path

import cv2

from device.drawing import annotated
from device.errors import EdgeError, UsageError
from device.files import refuse_unwritable
from device.results import FrameResult

CODECS = {".avi": "MJPG", ".mkv": "MJPG", ".mp4": "mp4v"}
RATE = 30.0


class VideoSink:
    """Writes every frame at the size of the first; ``rate`` is the frames a second that it is played at."""

    def __init__(
        self, path: str | Path, overwrite: bool = False, blur_faces: bool = False, rate: float = RATE
    ):
        self.path, self.name = Path(path), str(path)
        if self.path.suffix.lower() not in CODECS:
            raise UsageError(f"--video {path}: expected a name ending in {', '.join(CODECS)}")
        refuse_unwritable(path, overwrite)
        self.blur_faces, self.rate = blur_faces, rate
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)

    def write(self, result: FrameResult) -> None:
        picture = annotated(result, self.blur_faces)
        if self._writer is None:
            self._open(result)
        assert self._writer is not None
        if result.frame.size_wh != self._size_wh:
            picture = cv2.resize(picture, self._size_wh)
        self._writer.write(picture)

    def _open(self, result: FrameResult) -> None:
        self._size_wh = result.frame.size_wh
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(self.path), codec, self.rate, self._size_wh)
        if not self._writer.isOpened():
            raise EdgeError(f"cannot write {self.path}: OpenCV refuses it; choose another place or .avi")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()
