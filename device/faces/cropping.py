"""The one way from a face box to what the network sees; training and serving share it."""

import cv2
import numpy as np

from device.frames import BoundingBox

CROP_SIZE_PX = 48


def cut_square(image: np.ndarray, box: BoundingBox, side: float) -> tuple[np.ndarray, int, int]:
    """Cut a square of ``side`` pixels around the centre of ``box``, edge-replicated outside the frame.

    ``image`` is ``(H, W)`` or ``(H, W, 3) uint8``. Returns the patch and the frame position (left, top) of its
    first pixel, which may be negative. Inside the frame the patch is a view, not a copy.
    """
    height, width = image.shape[:2]
    pixels = max(1, round(side))
    center_x, center_y = box.center_xy
    # A box wholly outside still touches the frame's edge, so that there is a pixel to replicate.
    left = min(max(round(center_x - pixels / 2), 1 - pixels), width - 1)
    top = min(max(round(center_y - pixels / 2), 1 - pixels), height - 1)
    right, bottom = left + pixels, top + pixels
    patch = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    if left < 0 or top < 0 or right > width or bottom > height:
        outside = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
        patch = cv2.copyMakeBorder(patch, *outside, cv2.BORDER_REPLICATE)
    return patch, left, top


def resize_square(patch: np.ndarray, size_px: int) -> np.ndarray:
    """Resize a square patch: area averaging when it shrinks (no aliasing), bilinear when it grows."""
    if patch.shape[0] == size_px:
        return patch
    how = cv2.INTER_AREA if patch.shape[0] > size_px else cv2.INTER_LINEAR
    return cv2.resize(patch, (size_px, size_px), interpolation=how)


def crop_face(image: np.ndarray, box: BoundingBox, margin_ratio: float) -> np.ndarray:
    """Return the face as ``(48, 48) uint8`` gray.

    ``image`` is ``(H, W)`` gray or ``(H, W, 3)`` B, G, R, uint8. The crop is a square of ``margin_ratio`` times
    the box's width around the box's centre; ``margin_ratio`` belongs to the detector that found the box.
    """
    patch, _, _ = cut_square(image, box, margin_ratio * box.width)
    if patch.ndim == 3:
        patch = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    return np.ascontiguousarray(resize_square(patch, CROP_SIZE_PX))
