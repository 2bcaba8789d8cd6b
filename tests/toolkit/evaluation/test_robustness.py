"""Corruptions, and the accuracy that is left under them."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.dataset import Dataset
from toolkit.data.synthesis import load_synthetic
from toolkit.evaluation.corruptions import CORRUPTIONS, corrupt, expose
from toolkit.evaluation.robustness import mean_kept_interval, measure_robustness
from toolkit.results.codec import read_results
from toolkit.results.decode import decode
from toolkit.results.merge import join_results
from toolkit.results.metrics import wilson_interval
from toolkit.results.robustness import Robustness

pytestmark = pytest.mark.toolkit
each_corruption = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def faces():
    return load_synthetic().images[::28]


@each_corruption
def test_a_corruption_follows_from_its_seed(corruption, faces):
    before = faces.copy()
    once, again, other = (corrupt(faces, corruption, corruption.strengths[1], seed) for seed in (3, 3, 4))
    assert once.dtype == np.uint8
    assert once.shape == faces.shape
    assert np.array_equal(once, again)
    is_random = corruption.name in ("rotation", "noise", "low light", "occlusion")
    assert np.array_equal(once, other) != is_random
    assert np.array_equal(faces, before)


@each_corruption
def test_a_stronger_one_changes_faces_more(corruption, faces):
    errors = [
        np.abs(corrupt(faces, corruption, strength, 0).astype(int) - faces).mean()
        for strength in corruption.strengths
    ]
    assert 1 < errors[0] < errors[1] < errors[2]


def test_rotation_turns_by_the_angle_to_both_sides():
    bar = np.zeros((1, 48, 48), np.uint8)
    bar[:, 10:38, 22:26] = 255
    turned = corrupt(bar.repeat(20, axis=0), CORRUPTIONS[0], 30, 0)
    angles = []
    for face in turned:
        rows, columns = np.nonzero(face > 128)
        angles.append(np.degrees(np.arctan(np.polyfit(rows, columns, 1)[0])))
    assert np.abs(angles) == pytest.approx([30] * 20, abs=2)
    assert min(angles) < 0 < max(angles)


def test_exposure_counts_in_factors_of_light():
    face = np.full((48, 48), 100, np.uint8)
    assert (expose(face, -2.2) == 50).all()
    assert (expose(face, 1.1) == 141).all()
    assert (expose(face, 4.4) == 255).all()


def test_a_square_of_the_side_is_covered_wherever_it_is():
    occlusion = next(one for one in CORRUPTIONS if one.name == "occlusion")
    noise = np.random.default_rng(0).integers(0, 256, (30, 48, 48), dtype=np.uint8)
    changed = corrupt(noise, occlusion, 16, 0)
    corners = set()
    for before, after in zip(noise, changed, strict=True):
        rows, columns = (np.flatnonzero((before != after).any(axis=axis)) for axis in (1, 0))
        assert len(rows) == len(columns) == 16
        assert len(np.unique(after[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])) == 1
        corners.add((rows[0], columns[0]))
    assert len(corners) > 20


def names_by_brightness(images: np.ndarray) -> np.ndarray:
    """'bright' for a face whose mean is over 100 levels, else 'dark'."""
    bright = np.asarray(images).mean(axis=(1, 2)) > 100
    return np.stack([~bright, bright], axis=1).astype(np.float32)


def plain_faces(levels: list[int], labels: list[int]) -> Dataset:
    images = np.stack([np.full((48, 48), level, np.uint8) for level in levels])
    splits, names = np.full(len(levels), "test"), np.array([str(level) for level in levels])
    return Dataset(images, np.array(labels), ("dark", "bright"), splits, names)


def test_the_table_is_that_computed_by_hand():
    """Four plain faces. Light times 2 ** EV changes a level by 2 ** (EV / 2.2): 1 EV 1.370, 1.5 EV 1.604, 2 EV 1.878;
    2, 3 and 4 EV less 0.533, 0.389 and 0.284. Covering 24x24 px mixes a quarter of another gray in."""
    # 20 is always dark; 70 turns bright at 1.5 EV, where it is 112; 180 turns dark below 0.556; 250 does below 0.4.
    measured = measure_robustness(names_by_brightness, plain_faces([20, 70, 180, 250], [0, 0, 1, 1]), seed=1)
    right = {name: [one.correct_n for one in found] for name, found in measured.by_corruption().items()}
    assert (measured.n, measured.clean_accuracy) == (4, 1.0)
    assert measured.clean_interval == wilson_interval(4, 4)
    for untouched in ("rotation", "blur", "small face", "JPEG"):
        assert right[untouched] == [4, 4, 4], untouched
    assert right["over-exposure"] == [4, 3, 3]
    assert right["low light"] == [3, 2, 2]
    third = measured.by_corruption()["low light"][1]
    assert (third.strength, third.accuracy, third.kept) == ("−3 EV", 0.5, 0.5)
    assert third.interval == wilson_interval(2, 4)
    assert measured.mean_kept == pytest.approx(sum(map(sum, right.values())) / 24 / 4)
    low, high = measured.mean_kept_interval
    assert low <= measured.mean_kept <= high
    assert decode(Robustness, json.loads(json.dumps(asdict(measured)))) == measured


def test_what_is_kept_is_relative_to_the_clean_accuracy():
    half_right = plain_faces([20, 20, 250, 250], [0, 1, 0, 1])
    kept = [one.kept for one in measure_robustness(names_by_brightness, half_right).by_corruption()["blur"]]
    assert kept == [1.0, 1.0, 1.0]
    with pytest.raises(EdgeError, match="none of the 2 faces right"):
        measure_robustness(names_by_brightness, plain_faces([20, 250], [1, 0]))


def test_the_interval_of_the_mean_holds_the_truth_as_often_as_it_says():
    """Clean 0.8 and two conditions of 0.6 and 0.4 on the same faces: the true share kept is 0.625."""
    rng, held = np.random.default_rng(0), 0
    for trial in range(100):
        chance = rng.random(300)
        low, high = mean_kept_interval(np.array([chance < 0.8, chance < 0.6, chance < 0.4]), trial)
        held += low <= 0.625 <= high
        assert high - low < 0.12
    assert 88 <= held <= 100


def test_the_command_measures_prints_and_keeps_it_for_the_report(
    forked_toolkit, tiny_tflite, face_folders, tmp_path
):
    plain, robust = tmp_path / "plain.json", tmp_path / "robust.json"
    asked = ("evaluate", "--model", tiny_tflite, "--data", face_folders)
    done = forked_toolkit(*asked, "--robustness", "--out", robust)
    assert done.returncode == 0, done.stderr
    assert "Corrupted faces keep" in done.stdout
    assert "quality 8: " in done.stdout
    forked_toolkit(*asked, "--out", plain, "--quiet")
    first, again = read_results(robust), read_results(plain)
    measured = first.models[0].evaluations[0].robustness
    assert len(measured.conditions) == 24
    assert measured.clean_accuracy == again.models[0].evaluations[0].report.accuracy
    assert again.models[0].evaluations[0].robustness is None
    for documents in ([first, again], [again, first]):
        assert join_results(documents).models[0].evaluations[0].robustness == measured
    page = tmp_path / "report.html"
    assert forked_toolkit("report", robust, "--out", page).returncode == 0
    assert "Under a camera's faults" in page.read_text()
    assert f"±30°: {100 * measured.by_corruption()['rotation'][2].accuracy:.1f} %" in page.read_text()
    assert forked_toolkit("report", plain, "--out", page, "--overwrite").returncode == 0
    assert "camera's faults" not in page.read_text()
