"""One face from one image file: PNG, JPEG, BMP, WebP, TIFF or GIF (its first frame), gray or RGB, any size."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from device.files import read_regular
from device.foreign_files import NOT_FETCHED, why_foreign
from device.media_suffixes import MOVING_PICTURE, PICTURE_SUFFIXES
from device.resizing import resized
from toolkit.data.dataset import FACE_SIZE
from toolkit.data.readers.record import LARGEST_PICTURE_BYTES

IMAGE_SUFFIXES = (*PICTURE_SUFFIXES, MOVING_PICTURE)
# Pictures that OpenCV does not read: they are counted as broken, with the way out, and not passed over.
UNREAD_SUFFIXES = (".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd", ".raw", ".cr2", ".nef", ".dng", ".svg",
                   ".tga", ".ico", ".dds", ".exr", ".hdr")  # fmt: skip
# What stands among pictures and is none; of other files without a picture's suffix the first bytes tell.
OTHER_SUFFIXES = (".txt", ".csv", ".json", ".xml", ".npy", ".mat", ".md", ".db", ".ini", ".html", ".py", ".pts",
                  ".zip")  # fmt: skip
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
COLOURED = "RGB"  # the mode of a picture whose channels differ
JPEG_END = b"\xff\xd9"
BMP_SIGNATURE = b"BM"
GIF_SIGNATURES = (b"GIF87a", b"GIF89a")
OTHER_SIGNATURES = (*GIF_SIGNATURES, b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"P1\n", b"P2\n", b"P3\n", b"P4\n",
                    b"P5\n", b"P6\n", b"P5 ", b"P6 ")  # fmt: skip
SIGNATURES = (PNG_SIGNATURE, JPEG_SIGNATURE, b"RIFF", *GIF_SIGNATURES)


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


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture by its name or, where that tells nothing, by its first bytes."""
    name = path.name.lower()
    if name.startswith(".") or name.endswith((*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)):
        return not name.startswith(".")
    if name.endswith(OTHER_SUFFIXES) or not path.is_file():
        return False
    with open(path, "rb") as handle:
        return handle.read(len(PNG_SIGNATURE)).startswith(SIGNATURES)


def read_face(path: Path, colour: bool = False) -> DecodedFace:
    """Return the face in an image file, with ``colour`` in colours too; ValueError saying why there is none."""
    if path.suffix.lower() in UNREAD_SUFFIXES:
        raise ValueError(f"{path.suffix[1:].upper()} is not read; convert it to JPEG or PNG")
    try:
        return decode_face(read_regular(path, LARGEST_PICTURE_BYTES), colour)
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error


def decode_face(content: bytes, colour: bool = False) -> DecodedFace:
    """Return the face in the bytes of an image file, as ``read_face`` does."""
    image = decode_image(content)
    gray, mode = to_gray(image)
    height, width = gray.shape
    face = resized(gray, (FACE_SIZE, FACE_SIZE))
    if colour:
        to_colours = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
        face = np.dstack([face, resized(cv2.cvtColor(image, to_colours), (FACE_SIZE, FACE_SIZE))])
    return DecodedFace(face, (width, height), mode)


def decode_image(content: bytes) -> np.ndarray:
    """Return the picture in the bytes of an image file, (H, W) gray or (H, W, 3) BGR, uint8, turned as its camera says.

    ValueError saying why there is none.
    """
    check_container(content)
    # Any colour and depth, and a camera's orientation tag is honoured; opacity is dropped.
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise ValueError("too many pixels for a picture, or a hostile file; it is not decoded") from error
        raise ValueError(f"cannot be decoded ({error.err})") from error
    if image is None:
        raise ValueError("cannot be decoded; the file is damaged or cut off")
    return in_8_bits(image)


def in_8_bits(image: np.ndarray) -> np.ndarray:
    """Return a picture of any depth in uint8; ``image`` is changed, as a large one leaves no room for copies.

    Numbers of 16 bits are taken for those of 8, 10, 12 or 16 bits, the fewest that hold all of the picture: cameras
    write 12 bits into 16. Fractions up to 1 are of 1, other numbers are as they are.
    """
    if image.dtype == np.uint16:
        image >>= next(bits - 8 for bits in (8, 10, 12, 16) if image.max() < 1 << bits)
    if np.issubdtype(image.dtype, np.floating):
        np.nan_to_num(image, copy=False)
        image *= 255 if image.max() <= 1 else 1
    return image if image.dtype == np.uint8 else np.clip(image, 0, 255).astype(np.uint8)


def check_container(content: bytes) -> None:
    """Raise ValueError if the bytes are no whole PNG, JPEG or BMP file; the decoders report less plainly."""
    if not content:
        raise ValueError("an empty file")
    if why := why_foreign(content, NOT_FETCHED):
        raise ValueError(why)
    if content[4:8] == b"ftyp":
        raise ValueError("a HEIC or AVIF picture, whatever its name says; convert it to JPEG or PNG")
    if content.startswith(PNG_SIGNATURE):
        check_png(content)
    elif content.startswith(JPEG_SIGNATURE):
        if JPEG_END not in content:
            raise ValueError("a JPEG without its end; the file is cut off")
    elif content.startswith(BMP_SIGNATURE):
        if int.from_bytes(content[2:6], "little") > len(content):
            raise ValueError("a BMP shorter than its header says; the file is cut off")
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        if int.from_bytes(content[4:8], "little") + 8 > len(content):
            raise ValueError("a WebP shorter than its header says; the file is cut off")
    elif content.startswith(b"GIF8") and not (len(content) > 13 and content.rstrip(b"\0").endswith(b";")):
        raise ValueError("a GIF without its end; the file is cut off")
    elif not content.startswith(OTHER_SIGNATURES):
        raise ValueError("no PNG, JPEG, BMP, WebP, TIFF or GIF, whatever its name says")


def check_png(content: bytes) -> None:
    """Raise ValueError unless every chunk of a PNG is there with the right checksum."""
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        end = position + 12 + length
        if end > len(content):
            break
        if zlib.crc32(content[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise ValueError("a PNG with a wrong checksum; the file is damaged")
        if content[position + 4 : position + 8] == b"IEND":
            return
        position = end
    raise ValueError("a PNG without its end; the file is cut off")


def to_gray(image: np.ndarray) -> tuple[np.ndarray, str]:
    """Return (H, W) uint8 gray, and the mode, of (H, W) gray or (H, W, 3) BGR."""
    if image.ndim == 2:
        return image, "gray"
    blue, green, red = cv2.split(image)
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return blue, "gray in RGB"
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), COLOURED
