"""Pictures decoded from the bytes of files, whole ones of every kind that is promised."""

import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest

from device.picture_files import decode_picture, read_picture
from device.picture_sizes import declared_bytes

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


@pytest.mark.parametrize(
    ("suffix", "dtype", "size"),
    [
        (".tiff", np.float64, 14_400),
        (".tiff", np.float32, 7200),
        (".png", np.uint16, 3600),
        (".ppm", np.uint16, 3600),
    ],
)
def test_a_picture_that_unpacks_to_far_more_is_not_decoded(monkeypatch, suffix, dtype, size):
    picture, plain = np.ones((20, 30, 3), dtype), np.ones((20, 30, 3), np.uint8)
    content = cv2.imencode(suffix, picture)[1].tobytes()
    assert decode_picture(content).shape == (20, 30, 3)
    monkeypatch.setattr("device.picture_files.MOST_BYTES", 1800)
    assert decode_picture(cv2.imencode(suffix, plain)[1].tobytes()).shape == (20, 30, 3)
    with pytest.raises(ValueError, match=f"{size:,} bytes unpacked"):
        decode_picture(content)


def test_a_pnm_of_blanks_and_comments_takes_no_more_memory_than_it_has_bytes():
    blanks = b"P5 " + b"#\n" * 1_000_000
    tracemalloc.start()
    assert declared_bytes(blanks + b"x") == 0
    assert declared_bytes(blanks + b"30 20\n255\n") == 600
    assert tracemalloc.get_traced_memory()[1] < 8 * len(blanks)
    tracemalloc.stop()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_large_tiff_of_either_order_tells_its_size(order):
    tags = ((256, 4, 1, 20_000), (257, 4, 1, 3000), (258, 3, 3, 0), (277, 3, 1, 3))
    content = b"II+\0\x08\0\0\0" if order == "<" else b"MM\0+\0\x08\0\0"
    content += struct.pack(f"{order}QQ", 16, len(tags))
    for tag, kind, count, value in tags:
        held = [value, 0] if kind == 4 else [value, 0, 0, 0]
        held = [64, 64, 64, 0] if count == 3 else held
        content += struct.pack(f"{order}HHQ{'II' if kind == 4 else 'HHHH'}", tag, kind, count, *held)
    with pytest.raises(ValueError, match="1,440,000,000 bytes unpacked"):
        decode_picture(content)


def test_a_jpeg_of_many_scans_is_not_decoded():
    """Each goes over the whole picture: two megabytes took minutes."""
    progressive = cv2.imencode(".jpg", GRAY, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(ValueError, match="a JPEG of over 100 scans"):
        decode_picture(progressive[:-2] + scan * 200 + b"\xff\xd9")
    # A film behind a picture, as telephones write it, holds the same bytes.
    assert decode_picture(progressive + b"\xff\xda\0\2" * 200).shape == GRAY.shape
