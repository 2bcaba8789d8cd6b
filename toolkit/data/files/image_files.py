"""One face from one image file: PNG, JPEG, BMP, WebP, TIFF or GIF (its first frame), gray or RGB, any size."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from device.media_suffixes import FILM_SUFFIXES, MOVING_PICTURE, PICTURE_SUFFIXES, UNREAD_SUFFIXES
from device.picture_files import GIF_SIGNATURES, JPEG_SIGNATURE, decode_picture, read_picture
from device.picture_sizes import PNG_SIGNATURE
from device.resizing import resized
from toolkit.data.dataset import FACE_SIZE

IMAGE_SUFFIXES = (*PICTURE_SUFFIXES, MOVING_PICTURE)
PICTURE_NAMES = (*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)  # endings of what is a picture, read or not
# What stands among pictures and is none; of other files without a picture's suffix the first bytes tell.
OTHER_SUFFIXES = (".txt", ".csv", ".json", ".xml", ".npy", ".mat", ".md", ".db", ".ini", ".html", ".py", ".pts",
                  ".zip")  # fmt: skip
COLOURED = "RGB"  # the mode of a picture whose channels differ
SIGNATURES = (PNG_SIGNATURE, JPEG_SIGNATURE, *GIF_SIGNATURES)
# No photograph of a face is larger; a file that says so is hostile or no picture.
LARGEST_PICTURE_BYTES = 32 * 2**20


@dataclass(frozen=True)
class DecodedFace:
    """face: (48, 48) uint8 gray, or (48, 48, 4) gray, red, green and blue; size_wh: pixels of the file;
    mode: 'gray', 'gray in RGB' or 'RGB'."""

    face: np.ndarray
    size_wh: tuple[int, int]
    mode: str

    @property
    def format(self) -> str:
        """Size and mode, such as '48x48 gray'."""
        return "{}x{} {}".format(*self.size_wh, self.mode)


def holds_image(path: Path) -> bool:
    """Return whether a file is a picture by its name or, where that tells nothing, by its first bytes."""
    name = path.name.lower()
    if name.startswith(".") or name.endswith(PICTURE_NAMES):
        return not name.startswith(".")
    if name.endswith((*OTHER_SUFFIXES, *FILM_SUFFIXES)) or not path.is_file():
        return False
    with open(path, "rb") as handle:
        first = handle.read(12)
    return first.startswith(SIGNATURES) or (first[:4], first[8:]) == (b"RIFF", b"WEBP")


def read_face(path: Path, colour: bool = False) -> DecodedFace:
    """Return the face in an image file, with ``colour`` in colours too; ValueError saying why there is none."""
    return face_in(read_picture(path, LARGEST_PICTURE_BYTES), colour)


def decode_face(content: bytes, colour: bool = False) -> DecodedFace:
    """Return the face in the bytes of an image file, as ``read_face`` does."""
    return face_in(decode_picture(content), colour)


def face_in(image: np.ndarray, colour: bool = False) -> DecodedFace:
    """Return the face of a picture, (H, W) gray or (H, W, 3) BGR, uint8."""
    gray, mode = to_gray(image)
    height, width = gray.shape
    face = resized(gray, (FACE_SIZE, FACE_SIZE))
    if colour:
        to_colours = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
        face = np.dstack([face, resized(cv2.cvtColor(image, to_colours), (FACE_SIZE, FACE_SIZE))])
    return DecodedFace(face, (width, height), mode)


def to_gray(image: np.ndarray) -> tuple[np.ndarray, str]:
    """Return (H, W) uint8 gray, and the mode, of (H, W) gray or (H, W, 3) BGR."""
    if image.ndim == 2:
        return image, "gray"
    blue, green, red = cv2.split(image)
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return blue, "gray in RGB"
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), COLOURED
