"""Faces as networks take them: pixels 0..255 in float32, of the size and the channels of an input."""

from typing import TYPE_CHECKING

import numpy as np

from device.resizing import resized

if TYPE_CHECKING:
    import keras


def pixels(faces: np.ndarray) -> np.ndarray:
    """Return (N, H, W) gray or (N, H, W, 3) uint8 faces as (N, H, W, channels) float32 of 0..255."""
    values = faces.astype(np.float32)
    return values if faces.ndim == 4 else values[..., None]


def fitted(faces: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return (N, H, W, 1) or, for three channels, (N, H, W, 3) faces, float32, as (N, *shape).

    They are enlarged or shrunk as the device does it, but not rounded, and gray stands in every channel.
    """
    height, width, channels = shape
    if faces.shape[1:3] != (height, width):
        fit = [resized(face, (height, width)) for face in faces]
        faces = np.stack(fit).reshape(len(faces), height, width, -1)
    return faces if channels == faces.shape[3] else np.repeat(faces, channels, axis=3)


def inputs_of(model: "keras.Model", faces: np.ndarray) -> np.ndarray:
    """Return (N, H, W) gray or (N, H, W, 3) uint8 faces as ``model`` takes them, (N, h, w, channels) float32 0..255."""
    return fitted(pixels(faces), model.input_shape[1:])


def in_gray(faces: np.ndarray) -> np.ndarray:
    """Return (N, H, W, 1) of (N, H, W, 1 or 3) faces in R, G, B order, by OpenCV's weights."""
    return faces if faces.shape[3] == 1 else faces @ np.array([[0.299], [0.587], [0.114]], faces.dtype)
