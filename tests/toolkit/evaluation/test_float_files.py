"""Float .tflite files of others, which do not tell what they take of a pixel: found on faces, told or assumed."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="making the files needs the [toolkit] extra")
import tensorflow as tf

from device.capture.sources.demo import LABELS, demo_background, demo_faces
from device.errors import UsageError
from device.model.expression_model import load_model
from toolkit.models.options import ModelOptions
from toolkit.models.predictors import load_predictor

pytestmark = pytest.mark.toolkit
NAMED = ModelOptions(labels=("happy", "sad"))
# The level of the middle of a pixel, the mean of the channels, as keras.applications computes it.
MIDDLES = {"0..255": 127.5, "0..1": 0.5, "-1..1": 0.0} | {
    mode: float(
        keras.applications.imagenet_utils.preprocess_input(np.full((1, 1, 1, 3), 127.5), mode=mode).mean()
    )
    for mode in ("caffe", "torch")
}


@pytest.fixture(scope="module")
def bright_or_dark(tmp_path_factory):
    """Pictures by class, whose mean tells it."""
    root, rng = tmp_path_factory.mktemp("light"), np.random.default_rng(0)
    for name, level in (("happy", 150), ("sad", 118)):
        (root / "test" / name).mkdir(parents=True)
        for number in range(20):
            face = rng.normal(level, 8, (48, 48)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(root / "test" / name / f"{number}.png"), face)
    return root


def float_file(path, middle, first=(), int16_span=None):
    """Write a network of three channels that tells faces brighter than ``middle`` from darker ones.

    ``int16_span``: the lowest and highest pixel of a file whose input and output are int16.
    """
    dense = keras.layers.Dense(2, activation="softmax")
    network = keras.Sequential(
        [keras.Input((48, 48, 3)), *first, keras.layers.GlobalAveragePooling2D(), dense]
    )
    dense.set_weights([np.array([[10.0, -10.0]] * 3), np.array([-30.0 * middle, 30.0 * middle])])
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if int16_span:
        faces = [[np.full((1, 48, 48, 3), level, np.float32)] for level in np.linspace(*int16_span, 5)]
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: faces
        int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [int16]
        converter.inference_input_type = converter.inference_output_type = tf.int16
    path.write_bytes(converter.convert())
    return path


@pytest.mark.parametrize("taken", MIDDLES)
def test_labelled_faces_tell_the_range(taken, bright_or_dark, tmp_path, forked_toolkit):
    model = float_file(tmp_path / "other.tflite", MIDDLES[taken])
    asked = ("evaluate", "--model", model, "--labels", "happy,sad", "--data", bright_or_dark)
    done = forked_toolkit(*asked, "--json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["models"]
    assert entry["evaluations"][0]["report"]["accuracy"] == 1.0
    assert f"as {taken}: found" in done.stderr
    wrong = "0..255" if taken != "0..255" else "0..1"
    done = forked_toolkit(*asked, "--pixel-range", wrong, "--json")
    assert json.loads(done.stdout)["models"][0]["evaluations"][0]["report"]["accuracy"] == 0.5


def test_whole_pictures_are_fed_as_labelled_faces_told(bright_or_dark, tmp_path, forked_toolkit):
    model, frames = float_file(tmp_path / "other.tflite", MIDDLES["-1..1"]), tmp_path / "frames"
    for name, shift in (("happy", 50.0), ("sad", -50.0)):  # a face of few levels would be stretched to all
        picture = demo_background()
        face = cv2.resize(demo_faces()[LABELS.index(name), 1], (150, 150))
        picture[150:300, 300:450] = face[:, :, None]
        (frames / name).mkdir(parents=True)
        cv2.imwrite(str(frames / name / "a.png"), (picture + shift).clip(0, 255).astype(np.uint8))
    asked = ("evaluate", "--model", model, "--labels", "happy,sad", "--data", bright_or_dark, "--json")
    asked = (*asked, "--frames", frames, "--detector", "haar")
    found, told = forked_toolkit(*asked), forked_toolkit(*asked, "--pixel-range", "-1..1")
    assert "assumed" not in found.stderr
    entries = [json.loads(done.stdout)["models"][0] for done in (found, told)]
    assert [entry["model"]["pixel_range"] for entry in entries] == ["-1..1", "-1..1"]
    first, again = ({**entry["whole_way"][0], "measured_at": ""} for entry in entries)
    assert first == again
    assert first["groups"][0]["right_over_all"]["ratio"] == 1.0


@pytest.mark.parametrize(("taken", "span"), [("0..1", (0, 1)), ("-1..1", (-1, 1)), ("0..255", (0, 255))])
def test_labelled_faces_tell_the_range_of_an_int16_file(
    taken, span, bright_or_dark, tmp_path, forked_toolkit
):
    model = float_file(tmp_path / "other.tflite", MIDDLES[taken], int16_span=span)
    asked = ("evaluate", "--model", model, "--labels", "happy,sad", "--data", bright_or_dark)
    done = forked_toolkit(*asked, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["evaluations"][0]["report"]["accuracy"] == 1.0
    told = load_model(model, ("happy", "sad"))
    assert told.range_is_known == (taken == "0..255")
    assert (f"as {taken}: found" in done.stderr) == (taken != "0..255")


def test_a_graph_that_scales_pixels_itself_tells_it(tmp_path):
    for number, layer in enumerate((keras.layers.Rescaling(1 / 255), keras.layers.Rescaling(1 / 127.5, -1))):
        model = load_predictor(float_file(tmp_path / f"{number}.tflite", 0.5, [layer]), NAMED)
        assert model.range_is_known
        assert model.pixel_range == "0..255"
    plain = load_predictor(float_file(tmp_path / "plain.tflite", 0.5), NAMED)
    assert not plain.range_is_known


def test_a_graph_that_scales_pixels_which_were_scaled_before_is_told(
    bright_or_dark, tmp_path, forked_toolkit
):
    model = float_file(tmp_path / "twice.tflite", MIDDLES["0..1"] / 255, [keras.layers.Rescaling(1 / 255)])
    asked = ("evaluate", "--model", model, "--labels", "happy,sad", "--data", bright_or_dark, "--json")
    done = forked_toolkit(*asked)
    assert json.loads(done.stdout)["models"][0]["evaluations"][0]["report"]["accuracy"] == 0.5
    assert "100.0 % of 40 faces instead of 50.0 %; pass --pixel-range 0..1" in done.stderr
    done = forked_toolkit(*asked, "--pixel-range", "0..1")
    assert json.loads(done.stdout)["models"][0]["evaluations"][0]["report"]["accuracy"] == 1.0


def test_the_device_takes_what_it_is_told_and_says_what_it_assumes(tmp_path):
    model = float_file(tmp_path / "other.tflite", MIDDLES["0..255"])
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in (105, 150)])
    for taken, named in (("0..255", [1, 0]), ("0..1", [1, 1])):
        asked = load_model(model, ("happy", "sad"), pixel_range=taken)
        assert asked.predict(faces).argmax(axis=1).tolist() == named
    with pytest.raises(UsageError, match=r"is '0..2'; expected one of 0..255, .*, torch for 3 channels"):
        load_model(model, ("happy", "sad"), pixel_range="0..2")

    run = (
        sys.executable,
        "-m",
        "device",
        "run",
        "--source",
        "demo:3",
        "--model",
        model,
        "--labels",
        "happy,sad",
    )
    assumed = subprocess.run([*run, "-q"], capture_output=True, text=True)
    assert assumed.returncode == 0
    assert "nothing tells which pixel values" in assumed.stderr
    assert "0..1 is assumed: pass --pixel-range" in assumed.stderr
    told = subprocess.run([*run, "-q", "--pixel-range", "0..255"], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
