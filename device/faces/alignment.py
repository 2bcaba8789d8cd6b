"""Faces upright: how far a head is tilted to the side, and the crop turned by that.

A network reads tilted faces worse: the packaged model loses 2 points at 20 degrees and 10 at 30, which turning brings
back (PublicTest faces pasted at 50 and 120 pixels, within 1 point of turning by the true angle). The angle comes from a
small network of our own rather than from YuNet's eyes: those answer a tilt of 20 degrees with 2 where the face is 38
pixels wide, as it is in a region of interest, and with 16 only at 160 pixels.
"""

from functools import cache

import cv2
import numpy as np

from device.faces.contrast import stretched
from device.faces.cropping import CROP_SIZE_PX, crop_face
from device.frames import BoundingBox
from device.model.interpreters.litert import LocalInterpreter
from device.storage import packaged

ROLL_FILE = "face_roll.tflite"  # by models/make_face_roll.py
ROLL_PX = 32
ROLL_UNIT_DEG = 45.0  # the network's output for 1.0
MAX_ROLL_DEG = 30.0  # a head is seldom tilted more; what is, is turned by this much
# Less is not turned at all, more than the second is turned fully, linear between: nothing is gained under 10 degrees,
# and the angle's median error is 4.
IGNORED_DEG, TURNED_DEG = 5.0, 15.0
LOWEST_CONTRAST = 4.0  # gray levels: less is noise
CLIPPED = 4.0  # standard deviations


class FaceCropper:
    """Makes the network's input from a frame and a box; every way to a crop of a found face leads through here.

    ``margin_ratio`` belongs to the detector that found the boxes; ``size_px`` is the network's input size;
    ``aligned`` says whether the network wants faces upright, ``colour`` whether it sees red, green and blue.

    >>> cropper = FaceCropper(detector.margin_ratio)
    >>> crops = [cropper.crop(image, found.box) for found in detector.detect_still(image)]
    """

    def __init__(
        self, margin_ratio: float, size_px: int = CROP_SIZE_PX, aligned: bool = True, colour: bool = False
    ):
        self.margin_ratio, self.size_px, self.aligned, self.colour = margin_ratio, size_px, aligned, colour

    def roll_deg(self, image: np.ndarray, box: BoundingBox) -> float:
        """Return by how many degrees the face in ``box`` is tilted clockwise; 0 unless crops are aligned."""
        return face_roll_deg(crop_face(image, box, self.margin_ratio)) if self.aligned else 0.0

    def crop(self, image: np.ndarray, box: BoundingBox, roll_deg: float | None = None) -> np.ndarray:
        """Return the face as ``crop_face`` does, upright if crops are aligned, and with its contrast ``stretched``.

        ``image`` is ``(H, W)`` gray or ``(H, W, 3)`` B, G, R, uint8; ``roll_deg`` is the face's tilt where it is known
        better than from this frame alone.
        """
        roll_deg = self.roll_deg(image, box) if roll_deg is None else roll_deg
        turned_deg = turn_deg(roll_deg)
        return stretched(crop_face(image, box, self.margin_ratio, self.size_px, turned_deg, self.colour))


def turn_deg(roll_deg: float) -> float:
    """Return by how much a face of this tilt is turned: not at all if it is small, 30 degrees at most."""
    share = (abs(roll_deg) - IGNORED_DEG) / (TURNED_DEG - IGNORED_DEG)
    return float(np.clip(roll_deg, -MAX_ROLL_DEG, MAX_ROLL_DEG) * np.clip(share, 0.0, 1.0))


def face_roll_deg(crop: np.ndarray) -> float:
    """Return by how many degrees the face of a crop ``(N, N) uint8`` is tilted clockwise, as seen; about -45 to 45."""
    return float(_roll_network().run(roll_input(crop)[None, :, :, None])[0, 0]) * ROLL_UNIT_DEG


def roll_input(crop: np.ndarray) -> np.ndarray:
    """Return what the tilt's network sees of a crop ``(N, N) uint8``: ``(32, 32) float32`` of mean 0 and deviation 1.

    Outside the disc within the crop it is 0, so that the corners tell nothing of how a face was turned.
    """
    pixels = cv2.resize(crop, (ROLL_PX, ROLL_PX), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    inside = pixels[_disc()]
    pixels = (pixels - inside.mean()) / max(float(inside.std()), LOWEST_CONTRAST)
    return np.where(_disc(), pixels.clip(-CLIPPED, CLIPPED), 0).astype(np.float32)


@cache
def _disc() -> np.ndarray:
    rows, columns = np.mgrid[:ROLL_PX, :ROLL_PX] - (ROLL_PX - 1) / 2
    inside: np.ndarray = np.hypot(rows, columns) <= 0.49 * ROLL_PX
    return inside


@cache
def _roll_network() -> LocalInterpreter:
    path = packaged(ROLL_FILE)
    return LocalInterpreter(path, path.read_bytes(), threads=1)
