"""One face from one image file."""

import cv2
import numpy as np
import pytest

from toolkit.data.image_files import decode_face

from .conftest import make_faces

FACE = make_faces(1)[0]


def encoded(suffix: str, image: np.ndarray = FACE) -> bytes:
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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
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
    with pytest.raises(ValueError, match="no PNG, JPEG or BMP"):
        decode_face(b"GIF89a" + bytes(100))
