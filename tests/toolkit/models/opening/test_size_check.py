"""Networks that are small files and compute without end, or make gigabytes within a layer."""

import pytest

keras = pytest.importorskip("keras", reason="Keras files need the [toolkit] extra")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model

pytestmark = pytest.mark.toolkit


def separable(image):
    return keras.layers.SeparableConv2D(1, 1, depth_multiplier=20_000)(image)


def attending(image):
    x = keras.layers.Reshape((2304, 1))(image)
    return keras.layers.Reshape((48, 48, 1))(keras.layers.MultiHeadAttention(64, 1)(x, x))


def attending_after(image):
    x = keras.layers.UpSampling2D(20)(image)
    return keras.layers.Attention()([x, x])


def wide_kernel(image):
    return keras.layers.Conv2D(1, 200, padding="same")(keras.layers.UpSampling2D(100)(image))


def called_again_and_again(image):
    convolution = keras.layers.Conv2D(32, 47, padding="same", use_bias=False)
    x = keras.layers.Conv2D(32, 1)(image)
    for _ in range(40):
        x = convolution(x)
    return x


def network_called_again(image):
    inner = keras.Sequential([keras.Input((48, 48, 32)), keras.layers.Conv2D(32, 47, padding="same")])
    x = keras.layers.Conv2D(32, 1)(image)
    for _ in range(20):
        x = inner(x)
    return x


def a_convolution_each_step(image):
    x = keras.layers.UpSampling3D((1, 1, 48))(keras.layers.Reshape((48, 48, 1, 1))(image))
    return keras.layers.ConvLSTM2D(16, 47, padding="same")(x)


def steps_within_steps(image):
    x = keras.layers.Reshape((200, 200, 200, 1))(keras.layers.Resizing(2000, 4000)(image))
    for _ in range(3):
        x = keras.layers.TimeDistributed(keras.layers.TimeDistributed(keras.layers.ReLU()))(x)
    return keras.layers.Reshape((2000, 4000, 1))(x)


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        (separable, "makes 46,080,000 numbers for one image"),
        (attending, "makes 339,738,624 numbers for one image"),
        (attending_after, r"makes \d{3},\d{3},\d{3},\d{3} numbers for one image"),
        (wide_kernel, "multiplies 921,600,000,007 times for one image"),
        (called_again_and_again, r"multiplies 208,\d{3},\d{3},\d{3} times for one image"),
        (network_called_again, r"multiplies 104,\d{3},\d{3},\d{3} times for one image"),
        (a_convolution_each_step, r"multiplies 2\d{2},\d{3},\d{3},\d{3} times for one image"),
        (steps_within_steps, "through a sequence of 40,000 steps one by one"),
    ],
)
def test_what_a_layer_computes_within_is_counted(tmp_path, middle, said):
    image = keras.Input((48, 48, 1))
    scores = keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D()(middle(image)))
    keras.Model(image, scores).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=said):
        load_keras_model(tmp_path / "m.keras")
