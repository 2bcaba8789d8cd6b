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


def doubled_along_the_batch(image):
    x = image
    for _ in range(21):
        x = keras.layers.Concatenate(axis=0)([x, x])
    return x


def padded_along_the_batch(image):
    return keras.ops.pad(image, [[300_000, 0], [0, 0], [0, 0], [0, 0]])


def each_picture_with_each(image):
    return keras.ops.sum(keras.ops.tensordot(image, image, axes=0), axis=(3, 4, 5, 6))


def large_square(image):
    return keras.layers.Reshape((4800, 4800))(keras.layers.UpSampling2D(100)(image))


def product(image):
    x = large_square(image)
    return keras.ops.matmul(x, x)[..., None]


def einsum(image):
    x = large_square(image)
    return keras.ops.einsum("bij,bkj->bik", x, x)[..., None]


def dot(image):
    x = large_square(image)
    return keras.layers.Dot((2, 1))([x, x])[..., None]


def heads_of_pixels(image):
    x = keras.ops.repeat(keras.ops.reshape(image, (-1, 2304, 1, 1)), 64, axis=2)
    return keras.ops.dot_product_attention(x, x, x)


def window_beyond_the_picture(image):
    return keras.layers.MaxPooling2D(10**9, strides=1, padding="same")(image)


def wide_window(image):
    return keras.layers.AveragePooling2D(501, strides=1, padding="same")(keras.layers.UpSampling2D(20)(image))


def large_patches(image):
    return keras.ops.image.extract_patches(keras.layers.UpSampling2D(10)(image), 480)


def padded_to_other_proportions(image):
    narrow = keras.layers.UpSampling2D((1, 1000))(keras.ops.reshape(image, (-1, 1, 2304, 1)))
    return keras.ops.image.resize(narrow, (1000, 1), pad_to_aspect_ratio=True)


def many_channels_by_a_scale(image):
    return keras.layers.Rescaling([1.0] * 20_000)(image)


def cropped_in_training_alone(image):
    return keras.layers.UpSampling2D(300)(keras.layers.RandomCrop(4, 4)(image))


def open_inside(image):
    any_size = x = keras.Input((None, None, 1))
    for _ in range(20):
        x = keras.layers.Conv2D(8, 1)(x)
    return keras.Model(any_size, x)(keras.layers.Resizing(2000, 2000)(image))


def network_each_step(image):
    inner = keras.Sequential(
        [keras.Input((48, 48, 1)), keras.layers.UpSampling2D(50), keras.layers.MaxPooling2D(50)]
    )
    return keras.ops.mean(keras.layers.TimeDistributed(inner)(keras.ops.stack([image] * 10, axis=1)), axis=1)


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        (doubled_along_the_batch, "makes 4,831,838,208 numbers for one image"),
        (padded_along_the_batch, "makes 691,202,304 numbers for one image"),
        (each_picture_with_each, r"makes 679,477,248 numbers for one image, shape \(128, 48"),
        (product, r"multiplies 110,592,000,\d{3} times for one image"),
        (einsum, r"multiplies 110,592,000,\d{3} times for one image"),
        (dot, r"multiplies 110,592,000,\d{3} times for one image"),
        (heads_of_pixels, "makes 339,738,624 numbers for one image"),
        (window_beyond_the_picture, r"multiplies \d{2},\d{3}(,\d{3}){6} times for one image"),
        (wide_window, r"multiplies 4,\d{3},\d{3},\d{3},\d{3} times for one image"),
        (large_patches, r"makes \d{2},\d{3},\d{3},\d{3} numbers for one image, shape \(230400, 230400\)"),
        (padded_to_other_proportions, r"makes \d[\d,]+ numbers for one image"),
        (many_channels_by_a_scale, "makes 46,080,000 numbers for one image"),
        (cropped_in_training_alone, "makes 207,360,000 numbers for one image"),
        (open_inside, r"layers that make \d{3},\d{3},\d{3} numbers together"),
        (network_each_step, r"makes 57,600,000 numbers for one image, shape \(1, 2400"),
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
