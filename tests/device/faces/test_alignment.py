"""How far faces are tilted, on the demo's faces turned by known angles; and what is made of it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import device
from device.faces.alignment import FaceCropper, face_roll_deg, turn_deg
from device.frames import BoundingBox


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """The demo's 28 faces, ``(28, 48, 48) uint8``."""
    sheet = cv2.imread(str(Path(device.__file__).parent / "data/demo_faces.png"), cv2.IMREAD_GRAYSCALE)
    rows, columns = sheet.shape[0] // 48, sheet.shape[1] // 48
    return sheet.reshape(rows, 48, columns, 48).swapaxes(1, 2).reshape(-1, 48, 48)


def tilted(face: np.ndarray, degrees: float, side: int = 48) -> np.ndarray:
    """The face turned clockwise, its edge repeated."""
    turn = cv2.getRotationMatrix2D((23.5, 23.5), -degrees, 1.0)
    turned = cv2.warpAffine(face, turn, (48, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(turned, (side, side), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("side", [30, 48, 96])
@pytest.mark.parametrize("degrees", [-30, -15, 0, 15, 30])
def test_the_tilt_of_a_face_is_told(faces, degrees, side):
    error = [face_roll_deg(tilted(face, degrees, side)) - face_roll_deg(face) - degrees for face in faces]
    assert abs(np.median(error)) < 5
    assert np.median(np.abs(error)) < 8


def test_a_picture_without_contrast_has_some_finite_tilt():
    assert np.isfinite(face_roll_deg(np.full((48, 48), 128, np.uint8)))


def test_small_tilts_are_left_and_large_ones_bounded():
    assert turn_deg(4.9) == turn_deg(-4.9) == 0
    assert turn_deg(20) == 20
    assert turn_deg(-44) == -30
    steps = np.diff([turn_deg(angle) for angle in np.linspace(-45, 45, 901)])
    assert steps.min() >= 0
    assert steps.max() < 0.25  # nowhere a jump


def test_crops_of_tilted_faces_are_upright_unless_the_model_wants_them_as_they_are(faces):
    box = BoundingBox(100, 100, 148, 148)
    upright, as_is = FaceCropper(1.0), FaceCropper(1.0, aligned=False)
    nearer = 0
    for face in faces:
        frame = np.full((250, 250), int(face.mean()), np.uint8)
        frame[100:148, 100:148] = tilted(face, 25)
        one, other = (cropper.crop(frame, box)[8:40, 8:40].astype(int) for cropper in (upright, as_is))
        assert (other == frame[108:140, 108:140]).all()
        nearer += np.abs(one - face[8:40, 8:40]).mean() < np.abs(other - face[8:40, 8:40]).mean()
    assert nearer >= 24
    assert as_is.roll_deg(frame, box) == 0
    assert FaceCropper(1.0, 96).crop(frame, box).shape == (96, 96)


@pytest.mark.parametrize("colour", [False, True])
def test_a_face_in_the_dark_is_seen_as_in_the_light(faces, colour):
    box, cropper = BoundingBox(0, 0, 48, 48), FaceCropper(1.0, colour=colour)
    for face in faces:
        dim = cropper.crop((face * 0.1).astype(np.uint8), box, 0.0)
        light = cv2.normalize(face, None, 0, 255, cv2.NORM_MINMAX)
        assert np.abs(dim.astype(int) - (light[..., None] if colour else light)).mean() < 25
