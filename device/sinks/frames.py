"""Frames kept as pictures: the only sink that stores what the camera saw, and only when asked."""

from pathlib import Path

import cv2

from device.errors import EdgeError
from device.files import write_whole
from device.results import FrameResult
from device.sinks.drawing import blur

OWNER_ONLY = 0o600  # pictures of people


class FrameFilesSink:
    """Writes each frame with a face as ``FOLDER/00000123.jpg``; with ``blur_faces`` nobody can be recognised."""

    def __init__(self, folder: str | Path, overwrite: bool = False, blur_faces: bool = False):
        self.folder, self.name, self.blur_faces = Path(folder), str(folder), blur_faces
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            occupied = any(self.folder.iterdir())
        except OSError as error:
            raise EdgeError(f"cannot write into {folder}: {error.strerror}; choose another place") from error
        if occupied and not overwrite:
            raise EdgeError(
                f"{folder} is not empty; pass --overwrite to write into it, or name another folder"
            )

    def write(self, result: FrameResult) -> None:
        if not result.faces:
            return
        picture = result.frame.image
        if self.blur_faces:
            picture = picture.copy()
            blur(picture, result)
        data = cv2.imencode(".jpg", picture)[1].tobytes()
        # The frame loop does not wait for the disk.
        write_whole(self.folder / f"{result.index:08d}.jpg", data, mode=OWNER_ONLY, sync=False)

    def close(self) -> None:
        pass
