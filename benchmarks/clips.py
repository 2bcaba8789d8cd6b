"""The films that the loop is measured on: the shared clips as they are, and others made of them and of photographs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from device.capture.sources.video import VideoFile

SIZE_WH = (640, 480)
PLAIN = (
    "again.mkv",
    "help.mkv",
    "learn.mkv",
    "please.mkv",
    "sister.mkv",
    "student.mkv",
    "head-pose-face-detection-female.gif",
    "one-by-one-person-detection.gif",
    "people-detection.gif",
)


@dataclass(frozen=True)
class Clip:
    """Frames ``(H, W, 3) uint8`` B, G, R with their times in seconds; ``cuts``: first frames of later scenes."""

    name: str
    images: list[np.ndarray]
    times_s: list[float]
    cuts: tuple[int, ...] = ()


def clips(shared: Path) -> Iterator[Clip]:
    """Yield every film, the plain ones first; frames are read and made anew each time."""
    for name in PLAIN:
        yield _read(shared, name)
    yield _changed(_read(shared, "sister.mkv"), "far", lambda image, _: _shrunk(image, 0.55))
    yield _changed(_read(shared, "again.mkv"), "dark", lambda image, _: (image * 0.25).astype(np.uint8))
    yield _changed(_read(shared, "student.mkv"), "tilting", _tilted)
    yield _changed(_read(shared, "learn.mkv"), "flickering", _flickering)
    fast = _read(shared, "please.mkv")
    yield Clip("fast", fast.images[::3], fast.times_s[: len(fast.images[::3])])
    yield _panned(shared, "012.jpg", "pan over a group", 2.0)
    yield _panned(shared, "017.jpg", "pan over a class", 1.4)
    yield _with_cuts(shared)


def _read(shared: Path, name: str) -> Clip:
    with VideoFile(shared / "data/video" / name) as source:
        frames = list(source)
    return Clip(name, [frame.image for frame in frames], [frame.time_s for frame in frames])


def _changed(clip: Clip, name: str, change: Callable[[np.ndarray, int], np.ndarray]) -> Clip:
    return Clip(name, [change(image, number) for number, image in enumerate(clip.images)], clip.times_s)


def _shrunk(image: np.ndarray, scale: float) -> np.ndarray:
    """Return the picture small in the middle of a gray one of the same size: people far away."""
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    around = np.full_like(image, 110)
    top, left = (around.shape[0] - small.shape[0]) // 2, (around.shape[1] - small.shape[1]) // 2
    around[top : top + small.shape[0], left : left + small.shape[1]] = small
    return around


def _tilted(image: np.ndarray, number: int) -> np.ndarray:
    """Return the picture turned to and fro by up to 25 degrees, once in two seconds."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 25 * np.sin(number * np.pi / 30), 1.0)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _flickering(image: np.ndarray, number: int) -> np.ndarray:
    """Return the picture brighter and darker by a quarter in turn, five times a second."""
    return np.clip(image * (1 + 0.25 * np.sin(number * np.pi / 3)), 0, 255).astype(np.uint8)


def _panned(shared: Path, photo: str, name: str, scale: float, frames: int = 60) -> Clip:
    """Return a window of 640x480 that moves over an enlarged photograph."""
    image = cv2.imread(str(shared / "data/photos" / photo))
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    width, height = min(SIZE_WH[0], large.shape[1]), min(SIZE_WH[1], large.shape[0])
    span_xy = large.shape[1] - width, large.shape[0] - height
    images = []
    for number in range(frames):
        share = 0.5 - 0.5 * np.cos(number * np.pi / (frames - 1))
        left, top = (round(share * span) for span in span_xy)
        images.append(np.ascontiguousarray(large[top : top + height, left : left + width]))
    return Clip(name, images, [number / 30 for number in range(frames)])


def _with_cuts(shared: Path, length: int = 25) -> Clip:
    """Return the plain 640x480 films one after another, ``length`` frames of each."""
    images: list[np.ndarray] = []
    cuts = []
    for name in (name for name in PLAIN if name.endswith(".mkv")):
        if images:
            cuts.append(len(images))
        images += _read(shared, name).images[20 : 20 + length]
    return Clip("cuts", images, [number / 30 for number in range(len(images))], tuple(cuts))
