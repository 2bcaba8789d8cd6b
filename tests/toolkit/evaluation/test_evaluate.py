"""``toolkit evaluate`` as a user types it."""

import json
import shutil

import cv2
import numpy as np
import pytest

from device.model.expression_model import load_model
from toolkit.models.cost import tflite_cost
from toolkit.models.predictors import NarrowedPredictor
from toolkit.results.codec import read_results

pytestmark = pytest.mark.toolkit

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_figures_are_those_of_the_device_s_own_predictions(evaluated, tiny_tflite, face_folders):
    entry = read_results(evaluated).models[0]
    model = load_model(tiny_tflite)
    right = total = 0
    for label, name in enumerate(CLASSES):
        for path in (face_folders / "test" / name).iterdir():
            scores = model.predict(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[None])
            right, total = right + int(scores.argmax() == label), total + 1
    report = entry.evaluations[0].report
    assert (report.correct_n, report.n) == (right, total) == (right, 28)
    assert entry.model.labels == CLASSES
    assert entry.model.size_bytes == tiny_tflite.stat().st_size
    assert "delegate" not in entry.evaluations[0].note  # the processor ran it


def test_leaks_are_counted_and_left_out_beside(evaluated):
    evaluation = read_results(evaluated).models[0].evaluations[0]
    assert evaluation.leaked_n == 2
    assert evaluation.without_leaks.n == 26
    assert evaluation.data.split == "test"
    assert not evaluation.data.synthetic


def test_second_model_is_compared_with_the_first(evaluated):
    first, second = read_results(evaluated).models
    assert first.comparisons == ()
    comparison = second.comparisons[0]
    assert comparison.baseline_sha256 == first.model.sha256
    assert comparison.paired.top1_agreement == 1.0
    assert comparison.paired.flips == ()


def test_json_is_one_document_and_the_table_tells_the_split(forked_toolkit, tiny_tflite, face_folders):
    done = forked_toolkit(
        "evaluate", "--model", tiny_tflite, "--data", face_folders, "--split", "train", "--json"
    )
    document = json.loads(done.stdout)
    assert document["models"][0]["evaluations"][0]["data"]["split"] == "train"
    assert document["models"][0]["evaluations"][0]["leaked_n"] is None
    done = forked_toolkit("evaluate", "--model", tiny_tflite, "--data", face_folders)
    assert "28 faces, split 'test'" in done.stdout
    assert "2 of these faces also stand in the training split" in done.stdout


def test_labels_that_do_not_match_are_refused_with_the_way_out(forked_toolkit, tiny_tflite, tmp_path):
    for name in ("happy", "sad", "smug"):
        (tmp_path / "test" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "test" / name / "0.png"), np.full((48, 48), len(name), np.uint8))
    done = forked_toolkit("evaluate", "--model", tiny_tflite, "--data", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "smug" in done.stderr
    assert "--classes happy,sad" in done.stderr


def test_classes_hold_model_and_data_to_some(forked_toolkit, tiny_tflite, face_folders):
    arguments = (
        "evaluate",
        "--model",
        tiny_tflite,
        "--data",
        face_folders,
        "--classes",
        "sad,happy",
        "--json",
    )
    report = json.loads(forked_toolkit(*arguments).stdout)["models"][0]["evaluations"][0]["report"]
    assert report["classes"] == ["sad", "happy"]
    assert report["n"] == 8
    assert sum(map(sum, report["confusion"])) == 8


def test_narrowed_probabilities_sum_to_one_even_where_all_are_zero():
    class Fixed:
        labels, colour = ("a", "b", "c"), False

        def predict(self, crops):
            return np.array([[0.2, 0.2, 0.6], [0.0, 0.0, 1.0]], np.float32)

    found = NarrowedPredictor(Fixed(), ("b", "a")).predict(np.zeros((2, 48, 48), np.uint8))
    assert found == pytest.approx(np.full((2, 2), 0.5))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--model", "{model}", "--data", "/no/such"), 1, "/no/such"),
        (("--model", "/no/such.tflite", "--data", "{data}"), 1, "/no/such.tflite"),
        (("--model", "{data}", "--data", "{data}"), 1, "expected a .keras file or a SavedModel"),
        (("--model", "{model}", "--data", "{data}", "--labels", "a,b"), 1, "2 labels"),
        (("--model", "{model}", "--data", "{data}", "--split", "validation"), 1, "has no 'validation' split"),
        (("--model", "{model}", "--data", "{data}", "--out", "{out}"), 1, "--overwrite"),
    ],
)
def test_bad_input_is_one_line(forked_toolkit, tiny_tflite, face_folders, evaluated, arguments, code, words):
    before = evaluated.read_bytes()
    places = {"model": tiny_tflite, "data": face_folders, "out": evaluated}
    done = forked_toolkit("evaluate", *(argument.format(**places) for argument in arguments))
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.startswith("error: ") or done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert evaluated.read_bytes() == before


def test_cost_of_the_tiny_model_by_hand(tiny_tflite):
    # make_tiny.py: 5x5x1x4 at 11x11 places, 3x3x4x8 at 5x5, 8x7; biases 4 and 8 (the zeros of the last are left out).
    assert tflite_cost(tiny_tflite) == (100 + 4 + 288 + 8 + 56, 100 * 121 + 288 * 25 + 56)


def test_keras_and_tflite_give_the_same_report_and_cost(
    forked_toolkit, tiny_keras, tiny_tflite, face_folders
):
    models = ("--model", tiny_keras, "--model", tiny_tflite)
    done = forked_toolkit("evaluate", *models, "--data", face_folders, "--json", "-q")
    assert done.stderr == ""
    float_entry, quantized_entry = json.loads(done.stdout)["models"]
    paired = quantized_entry["comparisons"][0]["paired"]
    assert paired["top1_agreement"] > 0.85
    assert paired["mean_probability_difference"] < 0.02
    assert float_entry["model"]["macs"] == quantized_entry["model"]["macs"]
    assert float_entry["model"]["parameters"] == quantized_entry["model"]["parameters"] + 7  # a bias of zeros


def test_a_class_folder_that_may_not_be_read_is_no_empty_class(
    toolkit_of_a_user, tiny_tflite, face_folders, tmp_path
):
    data = shutil.copytree(face_folders, tmp_path / "data")
    for closed in (data / "test" / "sad", data / "test"):
        closed.chmod(0)
        done = toolkit_of_a_user("evaluate", "--model", tiny_tflite, "--data", data)
        closed.chmod(0o755)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert f"cannot read {closed}: Permission denied" in done.stderr


@pytest.mark.parametrize(
    ("command", "classes", "words"),
    [
        ("train", "happy", "--classes needs at least two classes; received 'happy'"),
        ("evaluate --model m.tflite", "happy", "--classes needs at least two classes; received 'happy'"),
        ("train", "happy,joy", "--classes: happy and joy are both 'happy'"),
        ("data inspect", "happy,joy", "--classes: happy and joy are both 'happy'"),
        ("evaluate --model m.tflite", "happy,,sad", "expected class names separated by commas"),
    ],
)
def test_classes_that_leave_nothing_to_tell_apart_are_wrong_use(
    forked_toolkit, face_folders, command, classes, words
):
    data = [face_folders] if command == "data inspect" else ["--data", face_folders]
    done = forked_toolkit(*command.split(), *data, "--classes", classes)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[-1]


def test_a_detector_without_pictures_is_refused(forked_toolkit, tiny_tflite):
    done = forked_toolkit("evaluate", "--model", tiny_tflite, "--data", "synthetic", "--detector", "haar")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --detector belongs to --frames; add --frames DIR or leave it out\n"
