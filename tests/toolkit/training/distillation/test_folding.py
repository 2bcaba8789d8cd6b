"""A folded network answers as the whole one does."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from keras import layers

from toolkit.training.architectures import build_network
from toolkit.training.distillation.folding import folded

pytestmark = pytest.mark.toolkit
FACES = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1)).astype(np.float32)


def with_statistics(model):
    """Give every normalisation of ``model`` statistics, scales and offsets of its own."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


def norm_count(model):
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


def assert_alike(model, other):
    expected = model.predict_on_batch(FACES)
    np.testing.assert_allclose(other.predict_on_batch(FACES), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["compact", "face-resnet", "face-mobilenet", "mini-xception"])
def test_our_networks_answer_alike_without_normalisation(name):
    model = with_statistics(build_network(name, 7))
    faster = folded(model)
    assert norm_count(model) >= 7
    # mini-xception's separable layers are two convolutions in one and keep theirs
    assert norm_count(faster) == (8 if name == "mini-xception" else 0)
    assert_alike(model, faster)


def test_what_cannot_be_folded_stays():
    image = keras.Input((48, 48, 1))
    shared = layers.Conv2D(4, 3, name="shared")(image)
    active = layers.Conv2D(4, 3, activation="relu", name="active")(image)
    biased = layers.Conv2D(4, 3, name="biased")(image)
    multiplied = layers.DepthwiseConv2D(3, depth_multiplier=4, name="multiplied")(image)
    normed = [
        layers.BatchNormalization(name="after_shared")(shared),
        layers.BatchNormalization(name="after_active")(active),
        layers.BatchNormalization(name="after_biased", scale=False)(biased),
        layers.BatchNormalization(name="after_multiplied", center=False)(multiplied),
    ]
    model = with_statistics(keras.Model(image, layers.Add()([shared, *normed]) / 2.0))
    model.get_layer("biased").set_weights([model.get_layer("biased").get_weights()[0], np.arange(4)])
    faster = folded(model)
    kept = {layer.name for layer in faster.layers if isinstance(layer, layers.BatchNormalization)}
    assert kept == {"after_shared", "after_active"}
    assert_alike(model, faster)


def test_a_network_with_a_layer_called_twice_is_copied_as_it_is():
    image = keras.Input((48, 48, 1))
    convolution = layers.Conv2D(4, 3, 2, "same")
    normed = layers.BatchNormalization()(convolution(image))
    again = convolution(layers.Conv2D(1, 1)(image))
    model = with_statistics(keras.Model(image, layers.Add()([normed, again])))
    faster = folded(model)
    assert norm_count(faster) == 1
    assert_alike(model, faster)


def test_a_sequential_network_is_folded_too():
    stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    model = with_statistics(keras.Sequential([keras.Input((48, 48, 1)), *stack]))
    faster = folded(model)
    assert norm_count(faster) == 0
    assert_alike(model, faster)
