import cv2
import numpy as np
import pytest

from device.faces.cropping import crop_face
from device.frames import BoundingBox


def face_like(size: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return cv2.resize(
        rng.integers(0, 256, (8, 8), dtype=np.uint8), (size, size), interpolation=cv2.INTER_CUBIC
    )


def test_a_pasted_crop_comes_back_as_it_was():
    face = face_like(48)
    frame = np.full((200, 300), 90, np.uint8)
    frame[60:108, 100:148] = face
    assert (crop_face(frame, BoundingBox(100, 60, 148, 108), 1.0) == face).all()


def test_the_margin_is_counted_in_box_widths_around_the_centre():
    frame = np.zeros((200, 300), np.uint8)
    frame[50:150, 100:200] = 255
    crop = crop_face(frame, BoundingBox(100, 50, 200, 150), 2.0)
    assert crop[24, 24] == 255
    assert crop[:11].max() == 0
    assert crop[24, 13:35].min() == 255
    # A tall box: its width decides, its centre stays.
    tall = crop_face(frame, BoundingBox(125, 20, 175, 180), 2.0)
    assert tall.min() == 255


def test_colour_and_gray_give_the_same_crop():
    gray = face_like(120)
    colour = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    box = BoundingBox(20, 20, 100, 100)
    assert np.abs(crop_face(gray, box, 1.0).astype(int) - crop_face(colour, box, 1.0)).max() <= 1


def test_a_large_face_is_averaged_not_sampled():
    checker = np.indices((480, 480)).sum(axis=0) % 2 * 255
    crop = crop_face(checker.astype(np.uint8), BoundingBox(0, 0, 480, 480), 1.0)
    assert crop.min() > 120
    assert crop.max() < 135


@pytest.mark.parametrize(
    "box",
    [
        BoundingBox(-40, -30, 20, 30),
        BoundingBox(280, 180, 340, 240),
        BoundingBox(-500, -500, -400, -400),
        BoundingBox(900, 10, 1000, 110),
        BoundingBox(-100, -100, 500, 500),
        BoundingBox(10.2, 10.2, 10.4, 10.4),
    ],
)
def test_outside_the_frame_the_edge_is_repeated(box):
    frame = np.full((200, 300, 3), 77, np.uint8)
    crop = crop_face(frame, box, 1.22)
    assert crop.shape == (48, 48)
    assert crop.dtype == np.uint8
    assert (crop == 77).all()
