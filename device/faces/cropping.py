"""The one way from a face box to what the network sees; training and serving share it."""

import cv2
import numpy as np

from device.frames import BoundingBox
from device.resizing import resized

CROP_SIZE_PX = 48
OVERSAMPLING = 2  # of a turned crop before it is averaged to its size


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


def as_gray(image: np.ndarray) -> np.ndarray:
    """Return an image, (H, W) gray or (H, W, 3) B, G, R, uint8, as (H, W) gray."""
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image


def gray_square(image: np.ndarray, box: BoundingBox, side: float, size_px: int) -> np.ndarray:
    """Return a square of ``side`` pixels around the centre of ``box`` as (size_px, size_px) uint8 gray."""
    patch, _, _ = cut_square(image, box, side)
    return resized(as_gray(patch), (size_px, size_px))


def crop_face(
    image: np.ndarray,
    box: BoundingBox,
    margin_ratio: float,
    size_px: int = CROP_SIZE_PX,
    turn_deg: float = 0.0,
    colour: bool = False,
) -> np.ndarray:
    """Return the face as ``(size_px, size_px) uint8`` gray, with ``colour`` as ``(size_px, size_px, 3)`` R, G, B.

    ``image`` is ``(H, W)`` gray or ``(H, W, 3)`` B, G, R, uint8. The crop is a square of ``margin_ratio`` times
    the box's width around the box's centre; ``margin_ratio`` belongs to the detector that found the box. With
    ``turn_deg`` the square itself is turned clockwise, so that a face tilted by that much stands upright in it.
    """
    side = margin_ratio * box.width
    if not turn_deg:
        patch, _, _ = cut_square(image, box, side)
        return np.ascontiguousarray(resized(_seen(patch, colour), (size_px, size_px)))
    radians = np.radians(abs(turn_deg))
    patch, left, top = cut_square(image, box, side * float(np.cos(radians) + np.sin(radians)) + 2)
    patch, work_px = _seen(patch, colour), OVERSAMPLING * size_px
    # Averaged down to the working size first and from that to the crop: the warp alone would sample a large face.
    shrunk_px = min(patch.shape[0], max(1, round(patch.shape[0] * work_px / side)))
    shrunk = resized(patch, (shrunk_px, shrunk_px))
    scale = shrunk.shape[0] / patch.shape[0]
    x, y = ((at - first) * scale - 0.5 for at, first in zip(box.center_xy, (left, top), strict=True))
    turn = np.asarray(cv2.getRotationMatrix2D((x, y), turn_deg, work_px / (side * scale)), np.float64)
    turn[:, 2] += (work_px - 1) / 2 - np.array([x, y])
    upright = cv2.warpAffine(shrunk, turn, (work_px, work_px), borderMode=cv2.BORDER_REPLICATE)
    return resized(upright, (size_px, size_px))


def _seen(patch: np.ndarray, colour: bool) -> np.ndarray:
    if colour:
        return cv2.cvtColor(patch, cv2.COLOR_BGR2RGB if patch.ndim == 3 else cv2.COLOR_GRAY2RGB)
    return as_gray(patch)
