"""One face from one image file."""

import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest

from device.picture_files import decode_picture
from toolkit.data.files.image_files import decode_face

from ..conftest import make_faces

FACE = make_faces(1)[0]


def encoded(suffix: str, image: np.ndarray = FACE) -> bytes:
    if suffix == ".gif":
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)  # OpenCV writes colour only
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
@pytest.mark.parametrize(
    ("image", "mode"),
    [(FACE, "gray"), (cv2.cvtColor(FACE, cv2.COLOR_GRAY2BGR), "gray in RGB")],
)
def test_gray_and_rgb_that_holds_gray_give_the_same_pixels(suffix, image, mode):
    decoded = decode_face(encoded(suffix, image))
    assert np.array_equal(decoded.face, FACE)
    assert decoded.size_wh == (48, 48)
    if suffix == ".png":
        assert decoded.mode == mode


def test_a_jpeg_comes_close():
    decoded = decode_face(encoded(".jpg"))
    assert np.abs(decoded.face.astype(int) - FACE).mean() < 3


def test_colour_sixteen_bits_and_opacity_become_gray():
    colour = np.dstack([FACE, FACE // 2, FACE // 4])
    assert decode_face(encoded(".png", colour)).mode == "RGB"
    assert np.array_equal(decode_face(encoded(".png", FACE.astype(np.uint16) * 257)).face, FACE)
    transparent = np.dstack([FACE, FACE, FACE, np.full_like(FACE, 7)])
    assert np.array_equal(decode_face(encoded(".png", transparent)).face, FACE)


@pytest.mark.parametrize("size_wh", [(96, 96), (31, 200), (1, 1), (640, 480)])
def test_any_size_becomes_48_by_48(size_wh):
    level = np.full(size_wh[::-1], 90, np.uint8)
    decoded = decode_face(encoded(".png", level))
    assert decoded.size_wh == size_wh
    assert decoded.face.shape == (48, 48)
    assert (decoded.face == 90).all()


def test_shrinking_averages():
    checkers = np.indices((96, 96)).sum(axis=0) % 2 * 255
    face = decode_face(encoded(".png", checkers.astype(np.uint8))).face
    assert np.abs(face.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".gif"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_a_file_that_is_cut_off_is_refused_quietly(suffix, share, capfd):
    content = encoded(suffix)
    with pytest.raises(ValueError, match=r"cut off|empty|no PNG|decoded"):
        decode_face(content[: int(len(content) * share)])
    assert capfd.readouterr().err == ""


def test_a_damaged_png_and_a_foreign_file_are_refused():
    damaged = bytearray(encoded(".png"))
    damaged[len(damaged) // 2] ^= 255
    with pytest.raises(ValueError, match="checksum"):
        decode_face(bytes(damaged))
    with pytest.raises(ValueError, match="no PNG, JPEG, BMP, WebP, TIFF, PNM or GIF"):
        decode_face(b"%PDF-1.7" + bytes(100))


@pytest.mark.parametrize(("suffix", "allowed"), [(".webp", 4), (".tiff", 0), (".gif", 12)])
def test_other_formats_are_read(suffix, allowed):
    face = decode_face(encoded(suffix)).face
    assert np.abs(face.astype(int) - FACE).mean() <= allowed


def bomb(suffix: str) -> bytes:
    """Return some hundred bytes that declare a picture of 30000x30000."""
    small = bytearray(encoded(suffix, np.dstack([FACE] * 3) if suffix == ".bmp" else FACE))
    if suffix == ".png":
        small[16:24] = struct.pack(">II", 30000, 30000)
        small[29:33] = struct.pack(">I", zlib.crc32(small[12:29]))
    elif suffix == ".jpg":
        start = small.index(b"\xff\xc0")
        small[start + 5 : start + 9] = struct.pack(">HH", 30000, 30000)
    elif suffix == ".bmp":
        small[18:26] = struct.pack("<ii", 30000, 30000)
    else:
        small[6:10] = struct.pack("<HH", 30000, 30000)
    return bytes(small)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif"])
def test_a_picture_bomb_is_refused_by_its_declared_size(suffix, tmp_path):
    (tmp_path / f"bomb{suffix}").write_bytes(bomb(suffix))
    program = (
        "import sys, pathlib, re\n"
        "from toolkit.data.files.image_files import read_face\n"
        "try: read_face(pathlib.Path(sys.argv[1]))\n"
        "except ValueError as error: print(error)\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
    )
    # In a process of its own: OpenCV reads the limit once, when it is imported.
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / f"bomb{suffix}")],
        capture_output=True,
        text=True,
        check=True,
    )
    said, memory_mb = done.stdout.splitlines()
    assert "too many pixels" in said
    assert int(memory_mb) < 300


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (np.uint16([[0, 128], [255, 7]]), ".png"),
        (np.float32([[0, 128], [255, 7]]), ".tiff"),
        (np.float32([[0, 128], [255, 7]]) / 255, ".tiff"),
        (np.uint16([[0, 128], [255, 7]]) * 257, ".tiff"),
        (np.uint16([[0, 128], [255, 7]]) * 16, ".png"),
        (np.uint16([[0, 128], [255, 7]]) * 4, ".png"),
        (np.uint8([[0, 128], [255, 7]]), ".pgm"),
    ],
)
def test_any_depth_is_the_same_picture(image, suffix):
    content = cv2.imencode(suffix, image)[1].tobytes()
    assert np.allclose(decode_picture(content), [[0, 128], [255, 7]], atol=1)


def test_what_a_picture_file_holds_instead_is_said():
    for content, message in (
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer.*git lfs pull"),
        (b"\0\0\0\x1cftypheic", "HEIC or AVIF.*convert it"),
        (b"\0\0\0\x1cftypisom", "a film or a raw picture, whatever its name says"),
    ):
        with pytest.raises(ValueError, match=message):
            decode_picture(content)
