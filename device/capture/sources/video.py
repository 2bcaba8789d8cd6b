"""A video file, every frame in order."""

import math
from pathlib import Path

import cv2
import numpy as np

from device.capture.settings import USUAL_RATE
from device.capture.sources.opencv import CaptureSource, refuse_large
from device.errors import EdgeError
from device.files import native_path
from device.foreign_files import NOT_FETCHED, Kind, is_text, why_foreign

MOST_OBLONG = 4.0  # of a pixel; what tells more is no format
STILL_FRAMES = 10  # with fewer, a film may well show one picture alone
START_BYTES = 4096
MOST_BOXES = 1000
# FFmpeg opens whatever files a list names, itself again too, and without end; it finds these lists by their start.
NAME_THE_FILM = "name the film itself, or the http address of a stream"
LISTS: tuple[Kind, ...] = (
    (0, b"#EXTM3U", "a playlist, no video", NAME_THE_FILM),
    (0, b"ffconcat", "a list of films, no video", NAME_THE_FILM),
)
RAW_FILM = b"YUV4MPEG2"  # begins as text, and bright pixels look like more of it


class VideoFile(CaptureSource):
    """Whatever OpenCV's FFmpeg reads, with square pixels. ``notes`` says after the end if the file was cut short, and
    at the close if all of it was one picture.
    """

    live = False

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)
        self.name = str(path)
        self.notes: list[str] = []
        self._first_s = self._last_s = 0.0
        self._pixel_ratio = 1.0  # width of a pixel to its height
        self._shown: np.ndarray | None = None
        self._alike = 0  # pictures like the first; -1 once one was not

    def _open(self) -> cv2.VideoCapture:
        if not self.path.is_file():
            raise EdgeError(f"no such file: {self.path}")
        self._refuse_foreign()
        capture = cv2.VideoCapture(native_path(self.path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            if lacks_index(self.path):
                raise EdgeError(
                    f"{self.path} has no index: its recording was cut off before it ended; mend it, as with untrunc, "
                    "and record in .mkv, which can be read to where it was cut off"
                )
            raise EdgeError(
                f"{self.path} is no video that OpenCV can read; expected .mp4, .mkv, .avi, .mjpg or .gif"
            )
        self._pixel_ratio = _pixel_ratio(capture)
        refuse_large(
            capture, self.name, "make them smaller, as with ffmpeg's -vf scale=1920:-2", self._pixel_ratio
        )
        self._shown, self._alike = None, 0
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if math.isfinite(rate) and 0 < rate <= 1000 else USUAL_RATE
        return capture

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if self._alike >= STILL_FRAMES:
            self.notes.append(
                f"all {self._alike} pictures of {self.path} are the same one; if it is interlaced, OpenCV "
                f"{cv2.__version__} cannot show it: make a new one with 'ffmpeg -i OLD -vf yadif NEW.mp4'"
            )
        self._alike = -1

    def _refuse_foreign(self) -> None:
        """Raise EdgeError for an empty file, a text, which FFmpeg draws as a film, and a list of other files."""
        try:
            with open(self.path, "rb") as file:
                start = file.read(START_BYTES)
        except OSError as error:
            raise EdgeError(f"cannot read {self.path}: {error.strerror}; check who may read it") from error
        if not start:
            raise EdgeError(f"{self.path} is empty (0 bytes); expected a video")
        if why := why_foreign(start, (*NOT_FETCHED, *LISTS)):
            raise EdgeError(f"{self.path} is {why}")
        if is_text(start) and not start.startswith(RAW_FILM):
            raise EdgeError(f"{self.path} is text, no video; check the name")

    def _read(self, capture: cv2.VideoCapture) -> tuple[bool, np.ndarray | None]:
        delivered, image = super()._read(capture)
        if image is not None and self._alike >= 0:
            sample = image[::16, ::16]
            self._shown = sample.copy() if self._shown is None else self._shown
            self._alike = self._alike + 1 if np.array_equal(sample, self._shown) else -1
        if image is not None and self._pixel_ratio != 1:
            wider, higher = max(1.0, self._pixel_ratio), max(1.0, 1 / self._pixel_ratio)
            image = cv2.resize(image, None, fx=wider, fy=higher, interpolation=cv2.INTER_LINEAR)
        return delivered, image

    def _media_s(self, index: int) -> float:
        """Return the container's time of the frame just read; where it tells none, the frame before it and the rate."""
        told_s = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self.capture else math.nan
        if index == 0:
            self._first_s = self._last_s = told_s if math.isfinite(told_s) and told_s >= 0 else 0.0
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
        # Some containers promise a time alone: a film of changing rate has fewer frames and lasts as long.
        rate = self.rate or USUAL_RATE
        least = promised - max(2, 0.02 * promised)
        if frames < least and (self._last_s - self._first_s) * rate + 1 < least:
            self.notes.append(
                f"{self.path} is cut short: {frames} of {promised:.0f} promised frames were readable"
            )


def lacks_index(path: Path) -> bool:
    """Return whether a file is an MP4 or MOV, a row of boxes, without the box that says where the frames are.

    Recorders write that one last (ISO/IEC 14496-12).
    """
    with open(path, "rb") as file:
        kinds: list[bytes] = []
        place, end = 0, path.stat().st_size
        while place + 8 <= end and len(kinds) < MOST_BOXES:
            file.seek(place)
            header = file.read(16)
            size = int.from_bytes(header[:4], "big")
            kinds.append(header[4:8])
            # 1: the size follows in eight bytes; 0: to the end.
            size = int.from_bytes(header[8:16], "big") if size == 1 else size or end
            place += max(size, 8)
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds


def _pixel_ratio(capture: cv2.VideoCapture) -> float:
    """Return how wide a pixel is to be shown to its height, as DVDs and television tell it; 1 where nothing is told."""
    width, height = (capture.get(side) for side in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
    ratio = width / height if width > 0 and height > 0 else 1.0
    return ratio if MOST_OBLONG >= ratio >= 1 / MOST_OBLONG else 1.0
