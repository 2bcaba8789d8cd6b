"""How the synthetic faces that ship are made: ``models/synthetic``."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from synthetic.demo_sheet import found_share
from synthetic.eye_alignment import (
    EYE_CASCADE,
    EYES_CENTRE_XY,
    EYES_DISTANCE_PX,
    align_by_eyes,
    eyes_transform,
    find_eyes,
)
from synthetic.face_model import normalize_light
from synthetic.fitting import fit_and_sample
from synthetic.resemblance import highest_resemblance
from synthetic.sheet import write_sheet

from device.capture.sources.demo import demo_faces
from device.errors import EdgeError
from toolkit.data.copies import leaked_rows
from toolkit.data.dataset import Dataset
from toolkit.data.synthesis import load_synthetic, read_sheet

SCRIPT = Path(__file__).parents[2] / "models" / "make_faces.py"


def make_faces(count: int, seed: int = 0) -> np.ndarray:
    """Return (count, 48, 48) uint8 of smooth noise."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [cv2.resize(rng.integers(0, 256, (8, 8), dtype=np.uint8), (48, 48)) for _ in range(count)]
    )


def nearest_classes(images: np.ndarray, known: Dataset) -> np.ndarray:
    """Return the label, (N,), of the class of ``known`` whose mean face is the nearest in the same light."""
    points, theirs = normalize_light(images)[0], normalize_light(known.images)[0]
    means = np.stack([theirs[known.labels == label].mean(axis=0) for label in range(len(known.classes))])
    return ((points[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)


def test_the_nearest_mean_tells_the_shipped_classes_apart():
    dataset = load_synthetic()
    odd = np.arange(len(dataset)) % 2 == 1
    named = nearest_classes(dataset.images[~odd], dataset.select(odd))
    assert (named == dataset.labels[~odd]).mean() > 0.8


def test_a_sheet_comes_back_as_it_was_written(tmp_path):
    faces = make_faces(28)
    write_sheet(faces, tmp_path / "sheet.png", columns=4)
    assert np.array_equal(read_sheet(tmp_path / "sheet.png"), faces)
    (tmp_path / "other.png").write_bytes(cv2.imencode(".png", np.zeros((50, 50), np.uint8))[1].tobytes())
    with pytest.raises(EdgeError, match="no sheet of 48x48 faces in 7 classes"):
        read_sheet(tmp_path / "other.png")


def test_the_demo_faces_of_the_device_are_found_by_the_cascade():
    faces = demo_faces()
    assert faces.shape == (7, 4, 48, 48)
    cascade = cv2.CascadeClassifier(EYE_CASCADE.replace("haarcascade_eye", "haarcascade_frontalface_default"))
    assert min(found_share(face, cascade) for face in faces[:, :2].reshape(-1, 48, 48)) == 1


def test_eyes_are_found_and_brought_to_their_place():
    faces = load_synthetic().images[::8]
    turn = cv2.getRotationMatrix2D((23.5, 23.5), 12, 0.95)
    turned = np.stack(
        [cv2.warpAffine(face, turn, (48, 48), borderMode=cv2.BORDER_REPLICATE) for face in faces]
    )
    aligned, rows = align_by_eyes(turned)
    assert len(rows) > len(faces) / 3
    cascade = cv2.CascadeClassifier(EYE_CASCADE)
    found = [eyes for face in aligned if (eyes := find_eyes(face, cascade)) is not None]
    tilt = np.median([np.degrees(np.arctan2(*(right - left)[::-1])) for left, right in found])
    assert abs(tilt) < 3


def test_the_transform_brings_eyes_exactly_there():
    left, right = np.array([12.0, 22.0]), np.array([37.0, 17.0])
    transform = eyes_transform(left, right)
    at = np.stack([transform @ (*left, 1), transform @ (*right, 1)])
    assert np.allclose(at.mean(axis=0), EYES_CENTRE_XY)
    assert np.allclose(at[1] - at[0], (EYES_DISTANCE_PX, 0))


def test_a_copy_is_recognised_in_any_light_and_mirrored():
    faces = make_faces(50)
    real = normalize_light(faces)[0]
    copy = np.clip(faces[7] * 0.6 + 40, 0, 255).astype(np.uint8)
    resemblance = highest_resemblance(np.stack([copy, copy[:, ::-1], make_faces(1, 99)[0]]), real)
    assert resemblance[:2].min() > 0.99
    assert resemblance[2] < 0.9


def test_new_faces_belong_to_their_class_and_are_seeded():
    dataset = load_synthetic()
    dataset = dataset.select(np.arange(0, len(dataset), 2))
    first = fit_and_sample(dataset, per_class=16, seed=1)
    again = fit_and_sample(dataset, per_class=16, seed=1)
    assert np.abs(first.faces.images.astype(int) - again.faces.images).max() <= 4  # one gray level of the 64
    assert not leaked_rows(first.faces, dataset).any()
    assert first.resemblance.max() <= 0.95
    assert (nearest_classes(first.faces.images, dataset) == first.faces.labels).mean() > 0.8


def test_other_classes_cannot_be_fitted():
    with pytest.raises(EdgeError, match="received happy, sad"):
        fit_and_sample(load_synthetic().with_classes(("happy", "sad")))


def run_script(*arguments):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("faces", "out", "words"),
    [
        ("4", "x.png", "--faces is 4; expected a multiple of 16"),
        ("0", "x.png", "--faces is 0; expected a multiple of 16"),
        ("16", "x.jpg", "expected a file ending in .png"),
    ],
)
def test_a_sheet_that_cannot_be_is_wrong_use(tmp_path, faces, out, words):
    done = run_script("sheet", "--data", "/nowhere", "--faces", faces, "--out", tmp_path / out)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
