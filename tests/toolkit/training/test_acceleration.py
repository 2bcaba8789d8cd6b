"""The accelerated copy computes what the original computes, and learns the same statistics."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from toolkit.training.acceleration import FusedBatchNormalization, accelerated
from toolkit.training.architectures import build_network

pytestmark = pytest.mark.toolkit
FACES = np.random.default_rng(0).integers(0, 256, (32, 48, 48, 1)).astype(np.float32)
TARGETS = np.eye(7, dtype=np.float32)[np.arange(32) % 7]


def without_dropout(name):
    model = build_network(name, 7)
    model.get_layer("features").rate = 0.0
    return model


def test_one_training_step_gives_the_same_weights_and_statistics():
    plain = without_dropout("compact")
    fast = accelerated(plain, "float32")
    assert sum(isinstance(layer, FusedBatchNormalization) for layer in fast.layers) == 10
    for model in (plain, fast):
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    before = plain.get_weights()
    losses = [float(model.train_on_batch(FACES, TARGETS)) for model in (plain, fast)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for old, expected, got in zip(before, plain.get_weights(), fast.get_weights(), strict=True):
        # One operation divides the moving variance by n - 1, the other by n; a ReLU near zero may fall either way.
        error = np.linalg.norm((got - old) - (expected - old))
        assert error <= 0.03 * np.linalg.norm(expected - old) + 1e-6


def test_inference_reads_the_moving_statistics():
    plain = without_dropout("compact")
    rng = np.random.default_rng(1)
    plain.set_weights(
        [weight + 0.1 * rng.random(weight.shape).astype("float32") for weight in plain.get_weights()]
    )
    fast = accelerated(plain, "float32")
    np.testing.assert_allclose(
        fast.predict_on_batch(FACES), plain.predict_on_batch(FACES), rtol=1e-3, atol=1e-4
    )


def test_bare_operations_are_copied_as_they_are():
    """As in models that others made, and that may teach."""
    image = keras.Input((48, 48, 1))
    features = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, 4)(image / 255.0))
    plain = keras.Model(image, keras.layers.Dense(7)(features))
    expected = plain.predict_on_batch(FACES)
    for policy, tolerance in (("float32", 1e-6), ("mixed_bfloat16", 0.05)):
        got = accelerated(plain, policy).predict_on_batch(FACES)
        np.testing.assert_allclose(got, expected, atol=tolerance * np.abs(expected).max())


def test_logits_stay_float32_under_a_mixed_policy():
    plain = without_dropout("compact")
    fast = accelerated(plain, "mixed_bfloat16")
    assert fast.get_layer("stage1_1_conv").compute_dtype == "bfloat16"
    assert fast.get_layer("logits").compute_dtype == "float32"
    expected = plain.predict_on_batch(FACES)
    np.testing.assert_allclose(fast.predict_on_batch(FACES), expected, atol=0.05 * np.abs(expected).max())


def test_a_depthwise_layer_that_strides_or_sees_far_computes_in_float32():
    image = keras.Input((48, 48, 1))
    x = keras.layers.Conv2D(8, 3, 2, name="plain")(image)
    x = keras.layers.DepthwiseConv2D(3, 1, name="still")(x)
    x = keras.layers.DepthwiseConv2D(3, 2, name="striding")(x)
    x = keras.layers.DepthwiseConv2D(5, 1, name="far")(x)
    x = keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D(name="pool")(x))
    fast = accelerated(keras.Model(image, x), "mixed_bfloat16")
    computed = {
        name: fast.get_layer(name).compute_dtype for name in ("plain", "still", "striding", "far", "pool")
    }
    assert computed == {
        "plain": "bfloat16",
        "still": "bfloat16",
        "striding": "float32",
        "far": "float32",
        "pool": "bfloat16",
    }
