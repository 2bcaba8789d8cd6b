"""The plain types that everything on the device speaks: frames, boxes, where frames come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Side of the network's crop in widths of YuNet's box: the median box lies in 300 pasted PublicTest crops at x 0.09,
# y 0.0, width 0.82, height 1.05 of the crop.
CROP_MARGIN = 1.22


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
    def area(self) -> float:
        return self.width * self.height

    @property
    def center_xy(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def xyxy(self) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom rounded to whole pixels."""
        return round(self.left), round(self.top), round(self.right), round(self.bottom)

    def shared_area(self, other: "BoundingBox") -> float:
        """Return the intersection with ``other`` in square pixels, 0.0 where there is none."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: "BoundingBox") -> float:
        """Return intersection over union with ``other``, 0.0 to 1.0."""
        shared = self.shared_area(other)
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    ``image`` is ``(H, W) uint8`` gray or ``(H, W, 3) uint8`` in B, G, R order; ``index`` counts the source's
    frames from 0 (a gap means frames were dropped); ``captured_ns`` is ``time.monotonic_ns()`` at capture;
    ``media_s`` is a file's own time of the frame in seconds, None for a camera; ``name`` is the file of a picture.
    """

    image: np.ndarray
    index: int
    captured_ns: int
    media_s: float | None = None
    name: str = ""

    @property
    def time_s(self) -> float:
        """Seconds on the clock by which faces move: the file's own, else the capture clock."""
        return self.captured_ns / 1e9 if self.media_s is None else self.media_s

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]


class FrameSource(ABC):
    """Where frames come from. Opened by entering the context, closed by leaving it, iterated once.

    A finite source (a file, a folder) ends its iteration; a live one goes on until it is closed.
    Raises EdgeError if it cannot be opened or stops delivering.

    A source needs ``name``, ``__enter__``, ``__exit__`` and ``__iter__``; the rest has defaults:

    >>> class Still(FrameSource):
    ...     name, live, continuous = "still", False, False
    ...     def __enter__(self): return self
    ...     def __exit__(self, *exc): pass
    ...     def __iter__(self): yield Frame(np.zeros((480, 640), np.uint8), 0, 0)
    """

    name: str
    live: bool = True  # a camera or stream: late frames are dropped; a file: every frame is delivered
    continuous: bool = True  # frames follow one another in time; False for a folder of unrelated pictures
    rate: float | None = None  # frames a second of a video file, known once it is open
    frozen_s: float | None = None  # how long the same picture may repeat; None: the health check's own time
    paths: Sequence[Path] = ()  # the files that it reads, if they are pictures
    notes: Sequence[str] = ()  # what to say at the end of a run

    @abstractmethod
    def __enter__(self) -> "FrameSource": ...

    @abstractmethod
    def __exit__(self, *exc: object) -> None: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]: ...

    def interrupt(self) -> None:  # noqa: B027 - nothing to end is a fit answer
        """End the wait for a frame in which another thread is; by default there is none to end."""
