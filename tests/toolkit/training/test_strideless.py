"""Convolutions of kernel 1 with strides, whose gradient ends the process in TensorFlow."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from toolkit.training.acceleration import accelerated
from toolkit.training.strideless import Sampled, Spread, Strideless

pytestmark = pytest.mark.toolkit


@pytest.mark.parametrize("size", [47, 48])
@pytest.mark.parametrize("strides", [2, (3, 1)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_strided_1x1_convolution_learns_the_same_without_strides(size, strides, padding):
    """TensorFlow's own gradient of it ends the process by a signal, now and then: numpy's is asked."""
    image = keras.Input((size, size, 2))
    sampled = keras.layers.Conv2D(5, 1, strides, padding, name="sampled")(image)
    plain = keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(sampled)))
    fast = accelerated(plain, "float32")
    assert isinstance(fast.get_layer("sampled"), Sampled)
    faces = np.random.default_rng(0).random((8, size, size, 2), np.float32)
    answers = plain.predict_on_batch(faces)
    np.testing.assert_allclose(fast.predict_on_batch(faces), answers, atol=1e-5)
    fast.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    before = fast.get_weights()
    fast.train_on_batch(faces, np.zeros((8, 3), np.float32))
    rows, columns = plain.get_layer("sampled").strides
    means = faces[:, ::rows, ::columns].mean(axis=(1, 2))
    gradient = means.T @ (2 * answers / answers.size) @ before[2].T
    np.testing.assert_allclose(before[0][0, 0] - fast.get_weights()[0][0, 0], gradient, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(6, 1, 2, groups=3),
        keras.layers.DepthwiseConv2D(1, 2, depth_multiplier=2),
        keras.layers.SeparableConv2D(4, 1, 3),
        keras.layers.Conv1D(4, 1, strides=2),
        keras.layers.DepthwiseConv1D(1, 2),
        keras.layers.SeparableConv1D(4, 1, strides=2),
        keras.layers.Conv2DTranspose(4, 1, (3, 2), activation="relu", bias_initializer="ones"),
        keras.layers.Conv2DTranspose(4, 1, 2, padding="same", use_bias=False),
        keras.layers.Conv1DTranspose(4, 1, strides=2),
    ],
)
def test_every_convolution_of_kernel_1_answers_alike(layer):
    shape = (16, 15, 3)[-layer.rank - 1 :]
    image = keras.Input(shape)
    plain = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(layer(image))))
    fast = accelerated(plain, "float32")
    assert isinstance(fast.get_layer(layer.name), Strideless)
    pixels = np.random.default_rng(0).random((4, *shape), np.float32)
    np.testing.assert_allclose(fast.predict_on_batch(pixels), plain.predict_on_batch(pixels), atol=1e-5)
    copied = keras.models.clone_model(fast)
    assert copied.get_layer(layer.name).output.shape == layer.output.shape


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_strided_1x1_transposed_convolution_learns_the_same(padding):
    """TensorFlow's own gradient of it ends the process; numpy's is asked."""
    image = keras.Input((6, 5, 2))
    spread = keras.layers.Conv2DTranspose(4, 1, 2, padding, name="spread")(image)
    plain = keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(spread)))
    fast = accelerated(plain, "float32")
    assert isinstance(fast.get_layer("spread"), Spread)
    pixels = np.random.default_rng(0).random((8, 6, 5, 2), np.float32)
    answers = plain.predict_on_batch(pixels)
    fast.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    before = fast.get_weights()
    fast.train_on_batch(pixels, np.zeros((8, 3), np.float32))
    # Three of four pixels of what it gives are the bias alone.
    gradient = (pixels.mean(axis=(1, 2)) / 4).T @ (2 * answers / answers.size) @ before[2].T
    np.testing.assert_allclose((before[0] - fast.get_weights()[0])[0, 0].T, gradient, atol=1e-5)
