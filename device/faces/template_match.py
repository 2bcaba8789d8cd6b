"""Finding a face that the detector missed in one frame by its last picture, near its last place."""

import cv2
import numpy as np

from device.faces.cropping import gray_square
from device.frames import BoundingBox

TEMPLATE_PX = 32
SEARCH_RATIO = 1.75  # of the face's width: room for the movement of one frame
# In the films of benchmarks/clips.py (docs/figures/device_loop.md) a tilting face keeps above it, another place of the
# picture does not.
MIN_CORRELATION = 0.7
LEAST_CONTRAST = 2.0  # gray levels; the correlation with a flat picture is 0 by 0, which OpenCV calls 1


def match_template(
    before: np.ndarray, before_box: BoundingBox, image: np.ndarray, near: BoundingBox
) -> BoundingBox | None:
    """Return where the face in ``before_box`` of the frame ``before`` is in ``image``, around ``near``, or None.

    Both frames are ``(H, W)`` gray or ``(H, W, 3)`` B, G, R, uint8; the face keeps its size. Normalised
    cross-correlation (``cv2.TM_CCOEFF_NORMED``) at 32 pixels a face.
    """
    template = gray_square(before, before_box, before_box.width, TEMPLATE_PX)
    if template.std() < LEAST_CONTRAST:
        return None
    searched_px = round(TEMPLATE_PX * SEARCH_RATIO)
    searched = gray_square(image, near, before_box.width * SEARCH_RATIO, searched_px)
    correlation = cv2.matchTemplate(searched, template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(correlation)
    if not best >= MIN_CORRELATION:
        return None
    # The match in the middle of the searched square is no movement at all.
    middle = (searched_px - TEMPLATE_PX) / 2
    step = before_box.width / TEMPLATE_PX
    u, v = near.center_xy
    center_x, center_y = u + (x - middle) * step, v + (y - middle) * step
    half_width, half_height = before_box.width / 2, before_box.height / 2
    return BoundingBox(
        center_x - half_width, center_y - half_height, center_x + half_width, center_y + half_height
    )
