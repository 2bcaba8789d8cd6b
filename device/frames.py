"""The plain types that everything on the device speaks: frames, boxes, where frames come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class BoundingBox:
    """An axis-aligned box in pixels of the full frame; right and bottom edges are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.right > self.left and self.bottom > self.top):
            raise ValueError(f"an empty box: {self.left}, {self.top}, {self.right}, {self.bottom}")

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def center_xy(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def xyxy(self) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom rounded to whole pixels."""
        return round(self.left), round(self.top), round(self.right), round(self.bottom)

    def iou(self, other: "BoundingBox") -> float:
        """Return intersection over union with ``other``, 0.0 to 1.0."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.width * self.height + other.width * other.height - shared)


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    ``image`` is ``(H, W) uint8`` gray or ``(H, W, 3) uint8`` in B, G, R order; ``index`` counts the source's
    frames from 0 (a gap means frames were dropped); ``captured_ns`` is ``time.monotonic_ns()`` at capture;
    ``media_s`` is a file's own time of the frame in seconds, None for a camera.
    """

    image: np.ndarray
    index: int
    captured_ns: int
    media_s: float | None = None

    @property
    def time_s(self) -> float:
        """Seconds on the clock by which faces move: the file's own, else the capture clock."""
        return self.captured_ns / 1e9 if self.media_s is None else self.media_s

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]


class FrameSource(Protocol):
    """Where frames come from. Opened by entering the context, closed by leaving it, iterated once.

    A finite source (a file, a folder) ends its iteration; a live one goes on until it is closed.
    Raises EdgeError if it cannot be opened or stops delivering. A source that waits for long may have
    ``interrupt()``, called by another thread: it ends the wait. A video file has its ``rate`` in frames a second once
    it is open.
    """

    name: str
    live: bool  # a camera or stream: late frames are dropped; a file: every frame is delivered
    continuous: bool  # frames follow one another in time; False for a folder of unrelated pictures

    def __enter__(self) -> "FrameSource": ...

    def __exit__(self, *exc: object) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...
