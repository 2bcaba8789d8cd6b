"""Frames kept as pictures: the only sinks that store what a source showed, and only when asked."""

import contextlib
import itertools
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.files import OWNER_ONLY, locked, refuse_full, write_whole
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.drawing import annotated, blur

NAME_DIGITS = 8
KEPT_FREE_MB = 64  # of the disk, by frames that are kept for days: a full one harms the whole board


class PictureFolder(Sink):
    """A folder that pictures are written into, readable by their owner only; ``name`` is what errors call it."""

    def __init__(self, folder: str | Path, overwrite: bool = False, blur_faces: bool = False):
        self.folder, self.name, self.blur_faces = Path(folder), str(folder), blur_faces
        self.overwrite, self._lock = overwrite, contextlib.ExitStack()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._refuse_filled()
        except OSError as error:
            raise EdgeError(f"cannot write into {folder}: {error.strerror}; choose another place") from error

    def begin(self) -> None:
        """Keep other runs out of the folder until the end; EdgeError where one is in it, or has been meanwhile."""
        self._lock.enter_context(locked(self.folder, wait_s=0.0))
        self._refuse_filled()

    def _refuse_filled(self) -> None:
        if not self.overwrite and any(self.folder.iterdir()):
            raise EdgeError(
                f"{self.folder} is not empty; pass `overwrite` to write into it, or name another folder"
            )

    def close(self) -> None:
        self._lock.close()

    def put(self, name: str, picture: np.ndarray) -> None:
        """Write ``picture``, (H, W) or (H, W, 3) uint8, as ``name``.jpg; the frame loop does not wait for the disk."""
        data = cv2.imencode(".jpg", picture)[1].tobytes()
        write_whole(self.folder / f"{name}.jpg", data, mode=OWNER_ONLY, sync=False)


class FrameFilesSink(PictureFolder):
    """Writes each frame with a face as ``FOLDER/00000123.jpg``; with ``blur_faces`` nobody can be recognised.

    With ``overwrite`` the frames of an earlier run go, so that no two runs lie mixed. They end while ``KEPT_FREE_MB``
    of the disk are still free.
    """

    def begin(self) -> None:
        super().begin()
        for earlier in self.folder.glob("[0-9]" * NAME_DIGITS + ".jpg"):
            earlier.unlink(missing_ok=True)

    def write(self, result: FrameResult) -> None:
        if not result.faces:
            return
        refuse_full(self.folder, KEPT_FREE_MB, begun=True)
        picture = result.frame.image
        if self.blur_faces:
            picture = picture.copy()
            blur(picture, result)
        self.put(f"{result.index:0{NAME_DIGITS}d}", picture)


class AnnotatedFilesSink(PictureFolder):
    """Writes each picture with boxes and labels as ``FOLDER/NAME.jpg``, after its file's name."""

    def __init__(self, folder: str | Path, overwrite: bool = False, blur_faces: bool = False):
        super().__init__(folder, overwrite, blur_faces)
        self._taken: set[str] = set()

    def write(self, result: FrameResult) -> None:
        # Two pictures of one name: photo.jpg and photo.png, or those of two folders.
        name = stem = Path(result.frame.name).stem
        for number in itertools.count(result.index):
            if name not in self._taken:
                break
            name = f"{stem}_{number}"
        self._taken.add(name)
        self.put(name, annotated(result, self.blur_faces))
