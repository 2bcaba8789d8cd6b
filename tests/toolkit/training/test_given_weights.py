"""A normalization that was adapted to pixels computes alike in every copy of its network."""

from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from toolkit.models.keras_file import load_keras_model
from toolkit.training.acceleration import accelerated
from toolkit.training.architectures import build_network
from toolkit.training.distillation.folding import folded
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest
from toolkit.training.student import Student, with_channels

from .conftest import RECIPE, interrupt, run

pytestmark = pytest.mark.toolkit
FACES = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1)).astype(np.float32)
NETWORK = """
import keras, numpy as np
from keras import layers
def build(class_count):
    normalization = layers.Normalization(axis=None)
    normalization.adapt(np.random.default_rng(0).integers(0, 256, (16, 48, 48, 1)).astype("float32"))
    inner = keras.Sequential([keras.Input((48, 48, 1)), normalization])
    image = keras.Input((48, 48, 1))
    x = layers.BatchNormalization()(layers.Conv2D(8, 5, strides=4, activation="relu")(inner(image)))
    return keras.Model(image, layers.Dense(class_count, activation="softmax")(layers.Flatten()(x)))
"""


@pytest.fixture
def arch(tmp_path):
    path = tmp_path / "adapted.py"
    path.write_text(NETWORK)
    return str(path)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_network_that_learns_and_the_saved_one_answer_alike(arch, tmp_path):
    student = Student(TrainingRecipe(arch=arch, dtype_policy="float32"), 4)
    expected = student.network.predict_on_batch(FACES)
    assert np.abs(expected).max() < 20  # of pixels near 0; those of 0..255 give hundreds
    np.testing.assert_allclose(student.body.predict_on_batch(FACES), expected, atol=1e-4)
    exported = student.export(1.0)
    exported.save(tmp_path / "m.keras")
    for model in (exported, load_keras_model(tmp_path / "m.keras")):
        np.testing.assert_allclose(model.predict_on_batch(FACES), softmax(expected), atol=1e-4)


@pytest.mark.parametrize("copy", [folded, lambda model: accelerated(model, "float32")])
def test_a_teacher_answers_as_its_file(arch, copy):
    model = build_network(arch, 4)
    np.testing.assert_allclose(copy(model).predict_on_batch(FACES), model.predict_on_batch(FACES), atol=1e-4)


def test_what_init_was_adapted_to_comes_with_its_weights(arch, tmp_path):
    trained = build_network(arch, 4)
    (tmp_path / "adapted.py").write_text(NETWORK.replace("0, 256", "100, 110"))
    student = Student(TrainingRecipe(arch=arch, dtype_policy="float32"), 4)
    student.start_from(trained, [0, 1, 2, 3])
    np.testing.assert_allclose(
        softmax(student.body.predict_on_batch(FACES)), trained.predict_on_batch(FACES), atol=1e-4
    )


@pytest.mark.parametrize("axis", [None, -1])
def test_other_channels_are_normalized_alike(axis):
    normalization = keras.layers.Normalization(axis=axis)
    normalization.adapt(FACES)
    model = keras.Sequential([keras.Input((48, 48, 1)), normalization])
    expected = model.predict_on_batch(FACES)
    three = with_channels(keras.Model(model.inputs[0], model.outputs[0]), 3)
    np.testing.assert_allclose(
        three.predict_on_batch(np.repeat(FACES, 3, axis=3)), expected.repeat(3, axis=3)
    )


def test_a_resumed_training_normalizes_as_before(stripes, arch, tmp_path):
    request = TrainingRequest(stripes, tmp_path / "one", replace(RECIPE, arch=arch, epochs=2))
    whole = run(replace(request, out=tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    (tmp_path / "adapted.py").write_text(NETWORK.replace("0, 256", "100, 110"))
    resumed = run(replace(request, resume=True))
    assert resumed.history[1].loss == pytest.approx(whole.history[1].loss, rel=1e-3)
