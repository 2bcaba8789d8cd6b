"""A face kept in sight by its last picture: it is found where it went, with its own size, or not at all."""

import cv2
import numpy as np
import pytest

from device.faces.template_match import match_template
from device.frames import BoundingBox

NOISE = np.random.default_rng(0)
FACE = cv2.resize(NOISE.integers(0, 256, (9, 9), dtype=np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
BOX = BoundingBox(100, 76, 164, 164)  # 64 wide, 88 high: its centre is the pasted square's


def picture(left: int, top: int, gain: float = 1.0) -> np.ndarray:
    """A soft background with the face at a place, lighter or darker."""
    image = cv2.resize(np.random.default_rng(1).integers(90, 110, (6, 8), dtype=np.uint8), (320, 240))
    image[top : top + 64, left : left + 64] = np.clip(FACE * gain, 0, 255)
    return image


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (10, -6), (-14, 12), (20, 20)])
@pytest.mark.parametrize("colour", [False, True])
def test_it_is_found_where_it_went_with_its_size(dx, dy, colour):
    before, now = picture(100, 88), picture(100 + dx, 88 + dy, gain=0.7)
    if colour:
        before, now = (cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in (before, now))
    found = match_template(before, BOX, now, BOX)
    assert found is not None
    assert (found.width, found.height) == (BOX.width, BOX.height)
    assert found.center_xy == pytest.approx((BOX.center_xy[0] + dx, BOX.center_xy[1] + dy), abs=2.5)


def test_what_is_not_there_is_not_found():
    before = picture(100, 88)
    assert match_template(before, BOX, picture(240, 150), BOX) is None
    flat = np.full((240, 320), 100, np.uint8)
    assert match_template(before, BOX, flat, BOX) is None


@pytest.mark.parametrize("after", [np.full((240, 320), 90, np.uint8), picture(100, 88)])
def test_a_flat_picture_is_found_nowhere(after):
    assert match_template(np.full((240, 320), 90, np.uint8), BOX, after, BOX) is None
