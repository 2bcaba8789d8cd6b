"""One picture from one file: PNG, JPEG, BMP, WebP, TIFF, PNM or GIF (its first frame), gray or colour, any depth."""

import re
import zlib
from pathlib import Path

import cv2
import numpy as np

from device.files import read_regular
from device.foreign_files import NOT_FETCHED, why_foreign
from device.media_suffixes import UNREAD_SUFFIXES
from device.picture_sizes import PNG_SIGNATURE, declared_bytes, jpeg_scans

JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
GIF_SIGNATURES = (b"GIF87a", b"GIF89a")
# Brands of HEIC and AVIF in a container that holds films too (ISO/IEC 23008-12, annex B; AV1 Image File Format).
ISO_PICTURES = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"avif",
                b"avis")  # fmt: skip
# Of a file, and of what it unpacks to: 64 million pixels, OpenCV's limit, of four channels; in 64 bits they would take
# eight times as many.
MOST_BYTES = 1 << 28
MOST_SCANS = 100  # progressive JPEGs have ten; each goes over the whole picture


def read_picture(path: Path, most_bytes: int = MOST_BYTES) -> np.ndarray:
    """Return the picture in a file of at most ``most_bytes``, as ``decode_picture`` does.

    >>> read_picture(Path("photo.jpg")).shape
    (480, 640, 3)
    """
    if path.suffix.lower() in UNREAD_SUFFIXES:
        raise ValueError(f"{path.suffix[1:].upper()} is not read; convert it to JPEG or PNG")
    try:
        return decode_picture(read_regular(path, most_bytes))
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error


def decode_picture(content: bytes) -> np.ndarray:
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
    if image.dtype == np.int8:  # whose numbers end below 255
        image = image.astype(np.int16)
    if image.dtype == np.uint16:
        image >>= next(bits - 8 for bits in (8, 10, 12, 16) if image.max() < 1 << bits)
    if np.issubdtype(image.dtype, np.floating):
        np.nan_to_num(image, copy=False)
        image *= 255 if image.max() <= 1 else 1
    return image if image.dtype == np.uint8 else np.clip(image, 0, 255, out=image).astype(np.uint8)


def check_container(content: bytes) -> None:
    """Raise ValueError if the bytes are no picture of a known kind, or no whole one; decoders report less plainly."""
    if not content:
        raise ValueError("an empty file")
    if why := why_foreign(content, NOT_FETCHED):
        raise ValueError(why)
    check = next((check for signature, check in CHECKS.items() if re.match(signature, content)), None)
    if check is None:
        raise ValueError("no PNG, JPEG, BMP, WebP, TIFF, PNM or GIF, whatever its name says")
    check(content)
    if (size := declared_bytes(content)) > MOST_BYTES:
        raise ValueError(
            f"too many pixels for a picture, {size:,} bytes unpacked, or a hostile file; it is not decoded"
        )


def _check_iso(content: bytes) -> None:
    if content[8:12] in ISO_PICTURES:
        raise ValueError("a HEIC or AVIF picture, whatever its name says; convert it to JPEG or PNG")
    raise ValueError("a film or a raw picture, whatever its name says")


def _check_png(content: bytes) -> None:
    """Raise ValueError unless every chunk of a PNG is there, those of the picture with the right checksum."""
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        end = position + 12 + length
        if end > len(content):
            break
        kind, checksum = content[position + 4 : position + 8], int.from_bytes(content[end - 4 : end], "big")
        needed = kind[:1].isupper() and kind != b"IEND"  # of others, such as texts, decoders only warn
        if needed and zlib.crc32(content[position + 4 : end - 4]) != checksum:
            raise ValueError("a PNG with a wrong checksum; the file is damaged")
        if kind == b"IEND":
            return
        position = end
    raise ValueError("a PNG without its end; the file is cut off")


def _check_jpeg(content: bytes) -> None:
    if JPEG_END not in content:
        raise ValueError("a JPEG without its end; the file is cut off")
    if jpeg_scans(content, MOST_SCANS) > MOST_SCANS:
        raise ValueError(f"a JPEG of over {MOST_SCANS} scans, a hostile file; it is not decoded")


def _check_bmp(content: bytes) -> None:
    if int.from_bytes(content[2:6], "little") > len(content):
        raise ValueError("a BMP shorter than its header says; the file is cut off")


def _check_webp(content: bytes) -> None:
    if int.from_bytes(content[4:8], "little") + 8 > len(content):
        raise ValueError("a WebP shorter than its header says; the file is cut off")


def _check_gif(content: bytes) -> None:
    if len(content) <= 13 or not content.rstrip(b"\0").endswith(b";"):
        raise ValueError("a GIF without its end; the file is cut off")


def _leave_to_the_decoder(content: bytes) -> None:
    """Pass: TIFF and PNM tell nothing of their end."""


# How a file of each kind begins, and what looks whether it is whole.
CHECKS = {
    rb"(?s:.{4})ftyp": _check_iso,
    re.escape(PNG_SIGNATURE): _check_png,
    re.escape(JPEG_SIGNATURE): _check_jpeg,
    rb"BM": _check_bmp,
    rb"RIFF(?s:.{4})WEBP": _check_webp,
    b"|".join(GIF_SIGNATURES): _check_gif,
    rb"II[*+]\0|MM\0[*+]": _leave_to_the_decoder,
    rb"P[1-6]\s": _leave_to_the_decoder,
}
