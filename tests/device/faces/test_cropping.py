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


@pytest.mark.parametrize("size_px", [48, 96, 160])
def test_the_crop_has_the_size_that_is_asked_for_without_a_detour(size_px):
    """A larger crop holds what the frame holds: it is no small crop made larger."""
    frame = face_like(400)
    frame[200, :] = 255  # a line of one pixel
    crop = crop_face(frame, BoundingBox(100, 100, 260, 260), 1.0, size_px)
    assert crop.shape == (size_px, size_px)
    sharp = int(crop[:, size_px // 2].max())
    assert sharp >= {48: 100, 96: 150, 160: 255}[size_px]


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("turn_deg", [-30.0, -12.0, 8.0, 30.0])
def test_a_tilted_face_comes_out_upright(turn_deg, scale):
    """The frame is turned by a known angle; turned back, the crop is that of the frame as it was."""
    frame = face_like(300)
    about = cv2.getRotationMatrix2D((149.5, 149.5), -turn_deg, 1.0)  # OpenCV counts anticlockwise
    tilted = cv2.warpAffine(frame, about, (300, 300), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    large = cv2.resize(tilted, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    box = BoundingBox(*(side * scale for side in (100, 100, 200, 200)))
    upright = crop_face(frame, BoundingBox(100, 100, 200, 200), 1.0).astype(int)
    turned = crop_face(large, box, 1.0, 48, turn_deg).astype(int)
    assert np.abs(turned - upright).mean() < 2
    assert np.abs(crop_face(large, box, 1.0).astype(int) - upright).mean() > 3


def test_a_large_turned_face_is_averaged_not_sampled():
    checker = (np.indices((700, 700)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = crop_face(checker, BoundingBox(100, 100, 580, 580), 1.0, 48, 17.0)
    assert crop.min() > 120
    assert crop.max() < 135


@pytest.mark.parametrize("box", [BoundingBox(-40, -30, 20, 30), BoundingBox(900, 10, 1000, 110)])
def test_a_turned_crop_may_leave_the_frame(box):
    frame = np.full((200, 300, 3), 77, np.uint8)
    crop = crop_face(frame, box, 1.22, 48, 25.0)
    assert crop.shape == (48, 48)
    assert (crop == 77).all()
