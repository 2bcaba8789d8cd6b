"""A folder, a glob or a single picture: every readable image in the order of its name."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from device.errors import EdgeError
from device.frames import Frame, FrameSource
from device.media_suffixes import PICTURE_SUFFIXES, UNREAD_SUFFIXES, is_film
from device.picture_files import read_picture
from device.text import a_few, counted

EXPECTED = "PNG, JPEG, WebP, TIFF, BMP or PGM files"


def is_picture(path: Path) -> bool:
    """Return whether ``path`` is a file named as a picture, one that is not read too."""
    return path.suffix.lower() in (*PICTURE_SUFFIXES, *UNREAD_SUFFIXES) and path.is_file()


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
        self.passed_over = [
            path.name for path in others if (is_film(path) and path.is_file()) or _holds_pictures(path)
        ]
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
            try:
                image = read_picture(path)
            except ValueError as error:
                broken.append(f"{path.name} ({error})")
            else:
                yield Frame(image, index, captured_ns, name=str(path))
        if len(broken) == len(self.paths):
            raise EdgeError(f"no readable image in {self.name}: {len(broken)} tried, the first {broken[0]}")
        if broken:
            self.notes.append(f"{counted(len(broken), 'unreadable image')} skipped: {a_few(broken)}")
