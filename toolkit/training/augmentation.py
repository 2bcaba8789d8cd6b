"""What a camera does to a face, at random, while training.

A crop from a detector is shifted, scaled and turned against the data set's, light and focus differ, and things stand
in front of a face. The ranges follow published practice on FER2013 (rotation about 10 to 15 degrees, shift and scale
15 %, random erasing) and add what a Pi's camera adds: blur, noise, low light, small faces and JPEG. At full strength a
network of this size sees so much change in a few dozen epochs that it names only three quarters of its training faces
right: half the strength is better for accuracy, and full strength for a camera (docs/TRAINING.md has both figures).
"""

import cv2
import numpy as np

ROTATION_DEGREES = 15.0
SCALE = 0.15
SHIFT = 0.12
CONTRAST = 0.3
BRIGHTNESS = 0.2
ERASE_CHANCE = 0.5
ERASE_SIDE = (0.15, 0.45)
CAMERA_CHANCE = 0.25


def augment_face(face: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Return a changed copy of one face: (48, 48) uint8 gray in and out.

    ``strength``, 0 to 1, shrinks every range of turning, shifting and light, and the chances of the rest.
    """
    face = turn_and_shift(face, rng, strength)
    if rng.random() < strength * CAMERA_CHANCE:
        face = CAMERA_FAULTS[rng.integers(len(CAMERA_FAULTS))](face, rng)
    face = change_light(face, rng, strength)
    if rng.random() < strength * ERASE_CHANCE:
        face = erase_part(face, rng)
    return face


def turn_and_shift(face: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Mirror, rotate, scale and shift in one interpolation; the border is repeated."""
    size = face.shape[0]
    centre = (size - 1) / 2
    degrees, growth, shift_x, shift_y = strength * rng.uniform(-1, 1, 4)
    matrix = cv2.getRotationMatrix2D((centre, centre), degrees * ROTATION_DEGREES, 1 + growth * SCALE)
    matrix[:, 2] += np.array([shift_x, shift_y]) * SHIFT * size
    if rng.random() < 0.5:
        matrix = matrix @ np.array([[-1, 0, size - 1], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
    return cv2.warpAffine(face, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def change_light(face: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Change contrast around the mean, then brightness."""
    stretch, lift = strength * rng.uniform(-1, 1, 2)
    gain = 1 + stretch * CONTRAST
    mean = float(face.mean())
    offset = mean - gain * mean + 255 * lift * BRIGHTNESS
    table = np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8)
    return cv2.LUT(face, table)


def erase_part(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover a rectangle with one gray or with noise (random erasing, arXiv 1708.04896)."""
    size = face.shape[0]
    height, width = (rng.uniform(*ERASE_SIDE, 2) * size).astype(int)
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    face = face.copy()
    noisy = rng.random() < 0.5
    face[top : top + height, left : left + width] = (
        rng.integers(0, 256, (height, width), dtype=np.uint8) if noisy else rng.integers(0, 256)
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
    reduced = cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, face.shape[::-1], interpolation=cv2.INTER_LINEAR)


def compress(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 15 to 60."""
    _, coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 61))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))


CAMERA_FAULTS = (blur, add_noise, change_gamma, shrink, compress)
