"""What a camera does to a face, at random, while training.

A crop from a detector is shifted, scaled and turned against the data set's, light and focus differ, and things stand
in front of a face. The ranges follow published practice on FER2013 (rotation about 10 to 15 degrees, shift and scale
15 %, random erasing) and add what a Pi's camera adds: blur, noise, low light, small faces and JPEG. Less
strength trades what a camera does to a face for the clean one; docs/TRAINING.md has the figures.
"""

import math
from collections.abc import Collection

import cv2
import numpy as np

from device.resizing import resized

ROTATION_DEGREES = 15.0
SCALE = 0.15
SHIFT = 0.12
CONTRAST = 0.3
BRIGHTNESS = 0.2
ERASE_CHANCE = 0.5
ERASE_SIDE = (0.15, 0.45)
CAMERA_CHANCE = 0.25
PARTS = ("geometry", "camera", "light", "erasing")


def augment_face(
    face: np.ndarray, rng: np.random.Generator, strength: float = 1.0, parts: Collection[str] = PARTS
) -> np.ndarray:
    """Return a changed copy of one face: (48, 48) uint8 gray, or (48, 48, 3) R, G, B, in and out.

    ``strength``, 0 to 1, shrinks every range of turning, shifting and light, and the chances of the rest; ``parts``
    are the kinds of change that happen at all.
    """
    face = turn_and_shift(face, rng, strength) if "geometry" in parts else face.copy()
    if "camera" in parts and rng.random() < strength * CAMERA_CHANCE:
        face = CAMERA_FAULTS[rng.integers(len(CAMERA_FAULTS))](face, rng)
    if "light" in parts:
        face = change_light(face, rng, strength)
    if "erasing" in parts and rng.random() < strength * ERASE_CHANCE:
        face = erase_part(face, rng)
    return face


def turn_and_shift(face: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Mirror, rotate, scale and shift in one interpolation; the border is repeated."""
    size = face.shape[0]
    turn, growth, shift_x, shift_y, mirror = (rng.random(5) * 2 - 1).tolist()
    angle = math.radians(strength * turn * ROTATION_DEGREES)
    scale = 1 + strength * growth * SCALE
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    # About the centre c, to (x, y) from (u, v): x = cosine (u - c) + sine (v - c) + c + shift_x, y accordingly.
    centre, reach = (size - 1) / 2, strength * SHIFT * size
    across, down = (-cosine, sine) if mirror < 0 else (cosine, -sine)
    matrix = np.array(
        [
            [across, sine, centre * (1 - across - sine) + shift_x * reach],
            [down, cosine, centre * (1 - down - cosine) + shift_y * reach],
        ]
    )
    return cv2.warpAffine(face, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def change_light(face: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Change contrast around the mean, then brightness."""
    stretch, lift = (rng.random(2) * 2 - 1).tolist()
    gain = 1 + strength * stretch * CONTRAST
    offset = (1 - gain) * cv2.mean(face.reshape(len(face), -1))[0] + 255 * strength * lift * BRIGHTNESS
    return cv2.addWeighted(face, gain, face, 0, offset)


def erase_part(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover a rectangle with one gray or with noise (random erasing, arXiv 1708.04896)."""
    size = face.shape[0]
    draws = rng.random(5).tolist()
    smallest, largest = ERASE_SIDE
    height, width = (int((smallest + (largest - smallest) * draw) * size) for draw in draws[:2])
    top, left = int(draws[2] * (size - height + 1)), int(draws[3] * (size - width + 1))
    noisy = draws[4] < 0.5
    face = face.copy()
    face[top : top + height, left : left + width] = rng.integers(
        0, 256, (height, width, *face.shape[2:]) if noisy else None, dtype=np.uint8
    )
    return face


def blur(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Defocus: a Gaussian of 0.5 to 1.6 pixels."""
    return cv2.GaussianBlur(face, (0, 0), rng.uniform(0.5, 1.6))


def add_noise(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sensor noise with a standard deviation of 3 to 20 levels."""
    noisy = face + rng.normal(0, rng.uniform(3, 20), face.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def change_gamma(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Under- or over-exposure: gamma from 0.4 to 2.5."""
    gamma = np.exp(rng.uniform(np.log(0.4), np.log(2.5)))
    return cv2.LUT(face, (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8))


def shrink(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A far face: reduced to 18 to 36 pixels and enlarged again."""
    small = int(rng.integers(18, 37))
    return resized(resized(face, (small, small)), face.shape[:2])


def compress(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 15 to 60."""
    _, coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 61))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE if face.ndim == 2 else cv2.IMREAD_COLOR))


CAMERA_FAULTS = (blur, add_noise, change_gamma, shrink, compress)
