"""Image corruptions (blur, noise, light, ...), each at three strengths, for measuring how much accuracy is left.

In the manner of Hendrycks and Dietterich's ImageNet-C (arXiv 1903.12261), in units of a 48x48 crop. These are kept
apart from what training does to its faces (``toolkit.training.augmentation``): strengths are fixed, and the strong ones
lie beyond training's ranges.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from device.resizing import resized

DISPLAY_GAMMA = 2.2  # pixel values are light to the power of 1 / 2.2
LOW_LIGHT_NOISE = 4.0  # levels: what amplifying a dark picture's sensor adds


def rotate(face: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Turn around the centre, to a side at random; the border is repeated."""
    size = face.shape[0]
    angle = degrees if rng.random() < 0.5 else -degrees
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, 1)
    return cv2.warpAffine(face, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def blur(face: np.ndarray, sigma_px: float, rng: np.random.Generator) -> np.ndarray:
    """Put the lens out of focus: a Gaussian."""
    return cv2.GaussianBlur(face, (0, 0), sigma_px)


def add_noise(face: np.ndarray, sigma_levels: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise, each pixel on its own."""
    return to_levels(face + sigma_levels * rng.standard_normal(face.shape))


def darken(face: np.ndarray, stops: float, rng: np.random.Generator) -> np.ndarray:
    """Halve the light ``stops`` times, and add the noise of a sensor in the dark."""
    return add_noise(expose(face, -stops), LOW_LIGHT_NOISE, rng)


def over_expose(face: np.ndarray, stops: float, rng: np.random.Generator) -> np.ndarray:
    """Double the light ``stops`` times; what is brighter than white is lost."""
    return expose(face, stops)


def expose(face: np.ndarray, stops: float) -> np.ndarray:
    """Return the face in ``2 ** stops`` times the light."""
    return to_levels(face * 2.0 ** (stops / DISPLAY_GAMMA))


def occlude(face: np.ndarray, side_px: float, rng: np.random.Generator) -> np.ndarray:
    """Cover a square, anywhere, with one gray."""
    side = int(side_px)
    gray = rng.integers(256)
    top, left = np.rint(rng.random(2) * (face.shape[0] - side)).astype(int)
    covered = face.copy()
    covered[top : top + side, left : left + side] = gray
    return covered


def shrink(face: np.ndarray, size_px: float, rng: np.random.Generator) -> np.ndarray:
    """Show a face that is ``size_px`` wide in the frame, enlarged as the device enlarges it."""
    small = resized(face, (int(size_px), int(size_px)))
    return resized(small, face.shape[:2])


def compress(face: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    """Store as JPEG of this quality (libjpeg's scale) and read again."""
    _, coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE if face.ndim == 2 else cv2.IMREAD_COLOR))


def to_levels(values: np.ndarray) -> np.ndarray:
    """Return gray levels, rounded and clipped, as uint8."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


@dataclass(frozen=True)
class Corruption:
    """One kind: ``apply`` takes a face, (48, 48) or (48, 48, 3) uint8, a strength and a generator, and returns the face
    changed.

    ``strengths`` go from weak to strong; ``unit`` is a format that says what one of them is (1 EV: a factor of two in
    light).
    """

    name: str
    unit: str
    strengths: tuple[float, float, float]
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

    def words(self, strength: float) -> str:
        """Return a strength with its unit, such as 'σ 1.5 px'."""
        return self.unit.format(strength)


CORRUPTIONS = (
    Corruption("rotation", "±{:g}°", (10, 20, 30), rotate),
    Corruption("blur", "σ {:g} px", (1, 1.5, 2), blur),
    Corruption("noise", "σ {:g} levels", (10, 20, 30), add_noise),
    Corruption("low light", "−{:g} EV", (2, 3, 4), darken),
    Corruption("over-exposure", "+{:g} EV", (1, 1.5, 2), over_expose),
    Corruption("occlusion", "{0:g}x{0:g} px", (16, 20, 24), occlude),
    Corruption("small face", "{:g} px wide", (32, 24, 16), shrink),
    Corruption("JPEG", "quality {:g}", (30, 15, 8), compress),
)


def corrupt(images: np.ndarray, corruption: Corruption, strength: float, seed: int) -> np.ndarray:
    """Return changed copies of (N, 48, 48) or (N, 48, 48, 3) uint8 faces.

    What is random (side, place, gray, noise) follows from ``seed`` and the face's row alone; it is the same at every
    strength.
    """
    changed = [
        corruption.apply(face, strength, np.random.default_rng((seed, row)))
        for row, face in enumerate(images)
    ]
    return np.stack(changed)
