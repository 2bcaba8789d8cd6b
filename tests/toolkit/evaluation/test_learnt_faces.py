"""An accuracy on the faces that a model was trained on is not passed off as one on others."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from toolkit.data.learnt_faces import NOT_KNOWN
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest
from toolkit.training.session import train

pytestmark = pytest.mark.toolkit

RECIPE = TrainingRecipe(arch="fully-connected", epochs=1, batch_size=16, dtype_policy="float32")


def trained_on(data, out):
    request = TrainingRequest(data, out, RECIPE)
    return train(request).model


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory):
    """Class folders without splits, 20 faces each, and a model trained on them."""
    root, rng = tmp_path_factory.mktemp("one"), np.random.default_rng(0)
    for name in ("happy", "sad"):
        (root / "faces" / name).mkdir(parents=True)
        for index in range(20):
            face = rng.integers(0, 256, (48, 48), dtype=np.uint8)
            cv2.imwrite(str(root / "faces" / name / f"{index:02d}.png"), face)
    return root / "faces", trained_on(root / "faces", root / "run")


def note_of(forked_toolkit, *options):
    done = forked_toolkit("evaluate", *options, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["models"][0]["evaluations"][0]["note"]


def test_the_faces_trained_on_are_counted_and_said_in_table_results_and_report(
    one_folder, forked_toolkit, tmp_path
):
    data, model = one_folder
    out, said = tmp_path / "results.json", "the model was trained on 36 of these 40 faces: its accuracy"
    done = forked_toolkit("evaluate", "--model", model, "--data", data, "--out", out)
    assert f"note: {said}" in done.stdout
    assert json.loads(out.read_text())["models"][0]["evaluations"][0]["note"].startswith(said)
    assert f"best.keras: {said}" in forked_toolkit("report", out).stdout


def test_quantize_says_it_too(one_folder, forked_toolkit, tmp_path):
    data, model = one_folder
    asked = ("quantize", "--model", model, "--data", data, "--untrained", "--out", tmp_path / "m.tflite")
    done = forked_toolkit(*asked)
    assert done.returncode == 0, done.stderr
    assert "note: the model was trained on" in done.stdout
    assert "of these 20 faces: its accuracy here says little of others" in done.stdout
    assert "note:" not in forked_toolkit("quantize", "--model", model, "--untrained", "--overwrite").stdout


def test_other_data_without_splits_gets_a_general_note(one_folder, forked_toolkit, face_folders, tiny_tflite):
    data, model = one_folder
    lone = face_folders / "train"
    asked = ("--classes", "happy,sad")
    assert note_of(forked_toolkit, "--model", model, "--data", lone, *asked) == NOT_KNOWN
    assert note_of(forked_toolkit, "--model", tiny_tflite, "--data", data, *asked) == NOT_KNOWN
    assert note_of(forked_toolkit, "--model", tiny_tflite, "--data", face_folders) == ""
    assert note_of(forked_toolkit, "--model", tiny_tflite, "--data", "synthetic") == ""


def test_the_training_split_of_the_csv_is_told_from_its_test_split(forked_toolkit, tmp_path):
    rng, data = np.random.default_rng(1), tmp_path / "fer2013.csv"
    with open(data, "w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(("emotion", "pixels", "Usage"))
        for number in range(84):
            usage = ("Training", "Training", "PublicTest", "PrivateTest")[number // 7 % 4]
            rows.writerow((number % 7, " ".join(map(str, rng.integers(0, 256, 2304))), usage))
    model = trained_on(data, tmp_path / "run")
    asked = ("--model", model, "--data", data, "--split")
    assert "trained on 42 of these 42 faces" in note_of(forked_toolkit, *asked, "train")
    assert "trained on 42 of these 84 faces" in note_of(forked_toolkit, *asked, "all")
    assert "trained on 12 of these 12 faces" in note_of(
        forked_toolkit, *asked, "train", "--classes", "sad,happy"
    )
    assert note_of(forked_toolkit, *asked, "test") == ""


def test_a_copy_that_training_left_out_is_no_leak_of_that_model(
    one_folder, forked_toolkit, tiny_tflite, tmp_path
):
    data, _ = one_folder
    for split, rows in (("train", range(15)), ("test", range(12, 20))):
        for name in ("happy", "sad"):
            (tmp_path / "split" / split / name).mkdir(parents=True)
            for row in rows:
                shutil.copy(data / name / f"{row:02d}.png", tmp_path / "split" / split / name)
    model = trained_on(tmp_path / "split", tmp_path / "run")
    found = {}
    for path in (model, tiny_tflite):
        asked = ("--model", path, "--data", tmp_path / "split", "--classes", "happy,sad", "--json")
        done = forked_toolkit("evaluate", *asked)
        assert done.returncode == 0, done.stderr
        found[path] = json.loads(done.stdout)["models"][0]["evaluations"][0]["leaked_n"]
    assert found == {model: 0, tiny_tflite: 6}
