"""Channel pruning: what is redundant goes without loss, what cannot be pruned is told apart."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from keras import layers

from toolkit.data.synthesis import load_synthetic
from toolkit.training.acceleration import accelerated
from toolkit.training.architectures import build_network
from toolkit.training.architectures.chain import build_chain, convolve, normalize
from toolkit.training.pruning import can_prune, prune_into

pytestmark = pytest.mark.toolkit
FACES = load_synthetic().images[::4]
INPUTS = FACES[:, ..., None].astype(np.float32)


def mobile(first, second, class_count=3):
    """Return a chain of a convolution, a depthwise and a pointwise one, with ``first`` and ``second`` channels."""
    image = keras.Input((48, 48, 1))
    x = layers.ReLU(6)(convolve(layers.Rescaling(1 / 64, name="rescale")(image), first, 3, 2, "conv"))
    x = layers.DepthwiseConv2D(3, 2, "same", use_bias=False, name="depthwise_conv")(x)
    x = layers.ReLU(6)(normalize(x, "depthwise"))
    x = layers.ReLU(6)(convolve(x, second, 1, 1, "pointwise"))
    x = layers.Dropout(0.5, name="features")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(class_count, name="logits")(x))


def doubled(model, first, second):
    """Return ``model`` with every channel twice, each half as strong where both are read."""
    wide = mobile(2 * first, 2 * second)
    for layer in model.layers:
        weights = layer.get_weights()
        if not weights:
            continue
        if layer.name in ("pointwise_conv", "logits"):
            weights[0] = np.concatenate([weights[0], weights[0]], axis=-2) / 2
        if layer.name != "logits":
            axis = 2 if layer.name == "depthwise_conv" else -1
            weights = [np.concatenate([weight, weight], axis=axis) for weight in weights]
        wide.get_layer(layer.name).set_weights(weights)
    return wide


def trained(model):
    """Return ``model`` after some steps that tell dark faces from bright ones."""
    brightness = INPUTS.mean(axis=(1, 2, 3))
    labels = np.searchsorted(np.quantile(brightness, [0.33, 0.67]), brightness)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(INPUTS, labels, epochs=8, verbose=0)
    return model


def distance(model, answers):
    """Return how far ``model`` is from ``answers`` on average, as a share of their spread."""
    return np.abs(model.predict_on_batch(INPUTS) - answers).mean() / answers.std(axis=0).mean()


def test_channels_that_stand_twice_go_without_loss():
    keras.utils.set_random_seed(0)
    model = trained(mobile(6, 10))
    wide = doubled(model, 6, 10)
    before = wide.predict_on_batch(INPUTS)
    np.testing.assert_allclose(before, model.predict_on_batch(INPUTS), atol=1e-4)
    student = mobile(6, 10)
    assert can_prune(wide, student)
    prune_into(student, wide, FACES, [0, 1, 2])
    assert distance(student, before) < 0.02


def test_fewer_channels_than_there_are_stay_close_where_random_ones_do_not():
    keras.utils.set_random_seed(1)
    wide = trained(mobile(12, 32))
    before = wide.predict_on_batch(INPUTS)
    student = mobile(8, 16)
    assert distance(student, before) > 0.5
    prune_into(student, wide, FACES, [0, 1, 2])
    assert distance(student, before) < 0.1


def test_channels_that_nobody_listens_to_go_first():
    keras.utils.set_random_seed(4)
    wide = trained(mobile(12, 16))
    pointwise = wide.get_layer("pointwise_conv")
    kernel = pointwise.get_weights()[0]
    kernel[:, :, [0, 1, 2, 5]] = 0
    pointwise.set_weights([kernel])
    student = mobile(8, 16)
    prune_into(student, wide, FACES, [0, 1, 2])
    assert distance(student, wide.predict_on_batch(INPUTS)) < 0.02


def test_the_statistics_are_those_of_the_pruned_network():
    """Training normalises by the batch at hand: with the wide network's statistics its first steps undo the pruning."""
    keras.utils.set_random_seed(5)
    student = mobile(6, 16)
    prune_into(student, trained(mobile(12, 32)), FACES, [0, 1, 2])
    norm = student.get_layer("pointwise_norm")
    values = keras.Model(student.input, norm.input).predict_on_batch(INPUTS).reshape(-1, 16)
    np.testing.assert_allclose(norm.moving_mean, values.mean(axis=0), atol=1e-3 * values.std())
    np.testing.assert_allclose(norm.moving_variance, values.var(axis=0), rtol=1e-3)


def test_other_classes_keep_their_new_logits():
    keras.utils.set_random_seed(2)
    wide, student = mobile(12, 32), mobile(8, 16, class_count=5)
    logits = student.get_layer("logits").get_weights()
    assert can_prune(wide, student)
    prune_into(student, wide, FACES, [])
    for old, new in zip(logits, student.get_layer("logits").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_fewer_classes_are_those_columns():
    keras.utils.set_random_seed(3)
    wide, student = trained(mobile(12, 32)), mobile(10, 28, class_count=2)
    prune_into(student, wide, FACES, [2, 0])
    assert distance(student, wide.predict_on_batch(INPUTS)[:, [2, 0]]) < 0.1


def test_the_shipped_networks_pair_is_prunable_in_any_precision():
    wide, student = (build_network(name, 7) for name in ("face-mobilenet", "face-compact"))
    assert can_prune(wide, accelerated(student, "mixed_bfloat16"))


@pytest.mark.parametrize(
    ("wide", "student"),
    [
        (mobile(6, 10), mobile(6, 10)),  # nothing to prune
        (mobile(6, 10), mobile(8, 8)),  # more channels in one place
        (build_chain("a", ((16, 2),), 0, 7), build_chain("b", ((8, 2),), 0, 7)),  # kernels of 3x3
        (build_chain("a", ((16, 2),), 0, 7), mobile(8, 8)),  # another network
        (build_network("mini-xception", 7), build_network("mini-xception", 7)),  # branches
    ],
)
def test_what_cannot_be_pruned_is_told_apart(wide, student):
    assert not can_prune(wide, student)
