"""A folder, a glob or a single picture: every readable image in the order of its name."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.files import read_regular
from device.frames import Frame, FrameSource
from device.media_suffixes import FILM_SUFFIXES, MOVING_PICTURE, PICTURE_SUFFIXES
from device.text import a_few, counted

EXPECTED = "PNG, JPEG, WebP, TIFF, BMP or PGM files"
HEIC_SUFFIXES = (".heic", ".heif")  # known, to say why they are not read
LARGEST_BYTES = 256 << 20  # 64 million pixels, which OpenCV takes at most, in three colours and more
CONVERT = "OpenCV does not read it; convert with heif-convert, or have the phone save JPEG"


def is_picture(path: Path) -> bool:
    """Return whether ``path`` is a file named as a picture, one of HEIC_SUFFIXES too."""
    return path.suffix.lower() in (*PICTURE_SUFFIXES, *HEIC_SUFFIXES) and path.is_file()


def _is_film(path: Path) -> bool:
    return path.suffix.lower() in (*FILM_SUFFIXES, MOVING_PICTURE) and path.is_file()


def _holds_pictures(path: Path) -> bool:
    return path.is_dir() and os.access(path, os.R_OK | os.X_OK) and any(map(is_picture, path.iterdir()))


class ImageFiles(FrameSource):
    """Those of ``paths`` that are pictures, unrelated ones; a frame's ``name`` is its file.

    Unreadable ones are skipped, folders and films passed over; ``notes`` names both. EdgeError where none is readable.
    """

    live = False
    continuous = False

    def __init__(self, name: str, paths: Sequence[Path]):
        self.name = name
        self.paths = list(filter(is_picture, paths))
        looked_into = {folder for path in self.paths for folder in path.parents}
        others = (path for path in paths if path not in looked_into and not path.name.startswith("."))
        self.passed_over = [path.name for path in others if _is_film(path) or _holds_pictures(path)]
        self.notes: list[str] = []

    def __enter__(self) -> "ImageFiles":
        if not self.paths:
            inside = f" among {a_few(self.passed_over)}" if self.passed_over else ""
            raise EdgeError(
                f"no images in {self.name}{inside}; expected {EXPECTED}, or a film or folder by its name"
            )
        if self.passed_over:
            self.notes.append(
                f"no pictures, passed over: {a_few(self.passed_over)}; name a film or a folder by itself"
            )
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        broken: list[str] = []
        for index, path in enumerate(self.paths):
            captured_ns = time.monotonic_ns()
            image = read_image(path)
            if image is None:
                broken.append(path.name)
            else:
                yield Frame(image, index, captured_ns, name=str(path))
        heic = sum(Path(name).suffix.lower() in HEIC_SUFFIXES for name in broken)
        why = f" ({heic} HEIC: {CONVERT})" if heic else ""
        if len(broken) == len(self.paths):
            raise EdgeError(
                f"no readable image in {self.name}: {len(broken)} tried, the first {broken[0]}{why}"
            )
        if broken:
            self.notes.append(
                f"{counted(len(broken), 'unreadable image')} skipped: {', '.join(broken[:5])}{why}"
            )


def read_image(path: Path) -> np.ndarray | None:
    """Return ``(H, W)`` gray or ``(H, W, 3)`` B, G, R, uint8, or None if the file is no picture, or has over
    ``LARGEST_BYTES``.
    """
    try:
        data = np.frombuffer(read_regular(path, LARGEST_BYTES), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return image if image is not None and image.dtype == np.uint8 else None
