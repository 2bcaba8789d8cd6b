"""Synthetic faces of no real person moving over a background: built in, deterministic, with known truth."""

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from device.errors import EdgeError, UsageError
from device.frames import BoundingBox, Frame, FrameSource
from device.storage import packaged

# A row a class, a column a face, 48 x 48 pixels each; sampled as models/synthetic/README.md tells.
SHEET = "demo_faces.png"
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FACE_PX = 48
SIZE_WH = (640, 480)
RATE = 30.0
FRAMES = 300


@dataclass(frozen=True)
class MovingFace:
    """A face of ``side_px`` that swings around ``center_xy`` by ``swing_xy`` pixels, once in ``period_s``."""

    side_px: int
    center_xy: tuple[float, float]
    swing_xy: tuple[float, float]
    period_s: float
    phase: float = 0.0

    def box(self, time_s: float) -> BoundingBox:
        """Return the square of the pasted face in whole pixels."""
        turn = 2 * math.pi * (time_s / self.period_s + self.phase)
        left = round(self.center_xy[0] + self.swing_xy[0] * math.sin(turn) - self.side_px / 2)
        top = round(self.center_xy[1] + self.swing_xy[1] * math.sin(2 * turn) - self.side_px / 2)
        return BoundingBox(left, top, left + self.side_px, top + self.side_px)


TWO_FACES = (
    MovingFace(120, (180, 230), (90, 40), 9.0),
    MovingFace(160, (460, 250), (70, 60), 13.0, 0.3),
)


class DemoSource(FrameSource):
    """``frames`` pictures of ``SIZE_WH``, B, G, R; None: without end. ``live``: paced at 30 a second.

    Each face holds an expression for ``hold_s``, then shows another sample of its column.
    """

    def __init__(
        self,
        frames: int | None = FRAMES,
        live: bool = False,
        faces: Sequence[MovingFace] = TWO_FACES,
        hold_s: float = 2.0,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.name = "demo"
        self.frames, self.live, self.faces = frames, live, tuple(faces)
        self.hold_s, self.rate = hold_s, RATE
        self.clock_ns, self.sleep = clock_ns, sleep
        self._closed = True

    def __enter__(self) -> "DemoSource":
        self._closed = False
        self._sheet = demo_faces()
        self._background = demo_background()
        self._pasted: dict[tuple[int, int, int], np.ndarray] = {}
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed = True

    def __iter__(self) -> Iterator[Frame]:
        started_ns, index = self.clock_ns(), 0
        while not self._closed and (self.frames is None or index < self.frames):
            if self.live:
                due_ns = started_ns + round(index * 1e9 / RATE)
                self.sleep(max(0.0, (due_ns - self.clock_ns()) / 1e9))
            image = self.picture(index)
            yield Frame(image, index, self.clock_ns(), None if self.live else index / RATE)
            index += 1

    def picture(self, index: int) -> np.ndarray:
        """Draw frame ``index``, ``(480, 640, 3) uint8``, B, G, R: each of ``faces`` at its ``box(index / RATE)``."""
        picture = self._background.copy()
        time_s = index / RATE
        for number, face in enumerate(self.faces):
            _paste(
                picture, self._face(number, self._expression(number, time_s), face.side_px), face.box(time_s)
            )
        return picture

    def _expression(self, number: int, time_s: float) -> int:
        return (int(time_s // self.hold_s) + 3 * number + 3) % len(LABELS)

    def _face(self, number: int, expression: int, side_px: int) -> np.ndarray:
        """Return the face at its size; made once, because drawing must cost less than finding."""
        column = number % self._sheet.shape[1]
        key = expression, column, side_px
        if key not in self._pasted:
            face = self._sheet[expression, column]
            grown = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
            self._pasted[key] = cv2.cvtColor(grown, cv2.COLOR_GRAY2BGR)
        return self._pasted[key]


def demo_source(spec: str) -> DemoSource:
    """Return the source of ``demo``, ``demo:N`` or ``demo:live``."""
    amount = spec.partition(":")[2]
    if amount == "live":
        return DemoSource(None, live=True)
    if amount and not re.fullmatch("[0-9]{1,12}", amount):
        raise UsageError(f"unknown source {spec!r}; expected demo, demo:N (N frames) or demo:live")
    return DemoSource(int(amount) if amount else FRAMES)


def demo_faces() -> np.ndarray:
    """Return the packaged faces, ``(7, K, 48, 48) uint8`` gray, a row a class of ``LABELS``."""
    data = packaged(SHEET)
    if not data.is_file():
        raise EdgeError(
            f"this installation carries no demo faces (device/data/{SHEET} is missing); install it again"
        )
    sheet = cv2.imdecode(np.frombuffer(data.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None, "the packaged file is a PNG"
    rows, columns = sheet.shape[0] // FACE_PX, sheet.shape[1] // FACE_PX
    return sheet.reshape(rows, FACE_PX, columns, FACE_PX).transpose(0, 2, 1, 3)


def demo_background() -> np.ndarray:
    """Return a soft, seeded background of bluish gray ``(480, 640, 3) uint8``."""
    light = np.random.default_rng(7).integers(90, 165, (5, 7, 1))
    rough = np.clip(light + np.array((12, 4, -6)), 0, 255).astype(np.uint8)
    background: np.ndarray = cv2.resize(rough, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    return background


def _paste(picture: np.ndarray, face: np.ndarray, box: BoundingBox) -> None:
    """Put ``face`` at ``box``, cut off where it leaves the picture."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box.xyxy()
    inside_left, inside_top = max(left, 0), max(top, 0)
    inside_right, inside_bottom = min(right, width), min(bottom, height)
    if inside_left < inside_right and inside_top < inside_bottom:
        picture[inside_top:inside_bottom, inside_left:inside_right] = face[
            inside_top - top : inside_bottom - top, inside_left - left : inside_right - left
        ]
