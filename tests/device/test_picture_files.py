"""Pictures decoded from the bytes of files, whole ones of every kind that is promised."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from device.picture_files import decode_picture, read_picture

GRAY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


@pytest.mark.parametrize(
    "header", [b"P5\n8 8\n255\n", b"P5\t8 8\n255\n", b"P5\r\n8 8\n255\n", b"P5 8 8 255\n"]
)
def test_a_pgm_begins_with_any_blank(header):
    assert np.array_equal(decode_picture(header + GRAY.tobytes()), GRAY)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
def test_what_follows_a_whole_picture_is_passed_over(suffix):
    content = cv2.imencode(suffix, GRAY)[1].tobytes() + bytes(16)
    assert decode_picture(content).shape[:2] == GRAY.shape


def png_with(kind: bytes) -> bytes:
    """A PNG with a chunk ``kind`` of a wrong checksum."""
    content = cv2.imencode(".png", GRAY)[1].tobytes()
    chunk = struct.pack(">I", 4) + kind + b"a\0bc" + struct.pack(">I", zlib.crc32(b"other"))
    end = content.index(b"IEND") - 4
    return content[:end] + chunk + content[end:]


def test_the_checksum_of_a_note_in_a_png_is_no_fault_of_the_picture():
    assert np.array_equal(decode_picture(png_with(b"tEXt")), GRAY)
    with pytest.raises(ValueError, match="a PNG with a wrong checksum"):
        decode_picture(png_with(b"IDAT"))


@pytest.mark.parametrize(("shift", "largest"), [(0, 255), (2, 1020), (4, 4080), (8, 65280)])
def test_all_depths_become_eight_bits(shift, largest):
    deep = np.full((8, 8), largest, np.uint16)
    deep[0] = 0
    content = cv2.imencode(".png", deep)[1].tobytes()
    assert decode_picture(content).max() == 255
    assert (decode_picture(content)[0] == 0).all()


def test_what_is_no_picture_is_told(tmp_path):
    for name, content, told in (
        ("a.png", b"", "an empty file"),
        ("a.jpg", b"hello", "no PNG, JPEG, BMP, WebP, TIFF, PNM or GIF"),
        ("a.avif", bytes(64), "AVIF is not read; convert it"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=told):
            read_picture(tmp_path / name, 1 << 20)
