"""The one way to another size: what a network is trained, quantized, measured and run on."""

import cv2
import numpy as np


def resized(image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return ``image``, (H, W) or (H, W, 3) uint8 or float32, in the size (height, width); of that size already,
    itself.

    Averaged over areas where it shrinks, so that nothing aliases; bilinear where a side grows.

    >>> resized(np.zeros((96, 96), np.uint8), (48, 48)).shape
    (48, 48)
    """
    height, width = size_hw
    if image.shape[:2] == (height, width):
        return image
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
