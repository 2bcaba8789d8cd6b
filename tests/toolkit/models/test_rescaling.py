"""Which networks scale pixels of 0..255 themselves, by their layers or by operations between them."""

import keras
import pytest
from keras import layers

from toolkit.models.keras_file import save_model
from toolkit.models.network import RESCALES, UNKNOWN, open_network
from toolkit.models.rescaling import rescales_inside

pytestmark = pytest.mark.toolkit
LABELS = ("happy", "sad")


def network(*first, channels=1):
    image = x = keras.Input((8, 8, channels))
    for layer in first:
        x = layer(x)
    return keras.Model(image, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))


def frozen(model):
    model.trainable = False
    return model


def standardized(image):
    mean = keras.ops.mean(image, axis=(1, 2, 3), keepdims=True)
    return (image - mean) / keras.ops.std(image, axis=(1, 2, 3), keepdims=True)


def inner(first):
    image = keras.Input((8, 8, 1))
    return keras.Model(image, first(image))


FOR_BYTES = {
    "frozen": lambda: frozen(network(layers.Rescaling(1 / 255))),
    "over 255": lambda: network(layers.Rescaling(1 / 255)),
    "about 0": lambda: network(layers.Rescaling(1 / 127.5, -1)),
    "centered alone": lambda: network(layers.Rescaling(1.0, -131.1)),
    "means of caffe": lambda: network(
        layers.Normalization(mean=[103.9, 116.8, 123.7], variance=[1.0] * 3), channels=3
    ),
    "adapted to bytes": lambda: network(layers.Normalization(axis=None, mean=140.0, variance=2500.0)),
    "turned before": lambda: network(layers.RandomFlip(), layers.Rescaling(1 / 255)),
    "operations": lambda: network(lambda image: image / 127.5 - 1),
    "operations after a layer": lambda: network(layers.RandomFlip(), lambda image: image / 255),
    "operations before a layer": lambda: network(lambda image: image / 127.5, layers.Rescaling(1, -1)),
    "operations of caffe": lambda: network(keras.applications.resnet50.preprocess_input, channels=3),
    "operations in a model": lambda: network(inner(lambda image: image / 255), layers.Conv2D(1, 3)),
    "a margin of zeros": lambda: network(lambda image: image / 255, layers.ZeroPadding2D(2)),
    "operations that bring 0..255": lambda: network(lambda image: image / 1.0, layers.Rescaling(1 / 255)),
}
FOR_OTHERS = {
    "0..1 to -1..1": lambda: network(layers.Rescaling(2.0, -1.0)),
    "-1..1 to 0..1": lambda: network(layers.Rescaling(0.5, 0.5)),
    "0..1 to 0..255": lambda: network(layers.Rescaling(255.0)),
    "adapted to 0..1": lambda: network(layers.Normalization(axis=None, mean=0.55, variance=0.04)),
    "adapted to -1..1": lambda: network(layers.Normalization(axis=None, mean=0.1, variance=0.16)),
    "one channel of three": lambda: network(layers.Rescaling([1 / 255, 1 / 255, 2.0]), channels=3),
    "weights first": lambda: network(layers.Conv2D(1, 3), layers.Rescaling(1 / 255)),
    "frozen weights first": lambda: frozen(network(layers.Conv2D(1, 3), layers.Rescaling(1 / 255))),
    "nothing": network,
    "operations on 0..1": lambda: network(lambda image: image * 2 - 1),
    "operations that bring 0..255 of 0..1": lambda: network(
        lambda image: image * 255, layers.Rescaling(1 / 255)
    ),
    "another shape alone": lambda: network(
        lambda image: keras.ops.repeat(image, 3, axis=-1), layers.Conv2D(1, 3)
    ),
    "each picture by its own": lambda: network(standardized),
}


@pytest.mark.parametrize("name", FOR_BYTES)
def test_a_layer_made_for_bytes_tells_the_range(name, tmp_path):
    model = FOR_BYTES[name]()
    assert rescales_inside(model)
    assert rescales_inside(keras.Sequential([keras.Input(model.input_shape[1:]), model]))
    save_model(model, tmp_path / "m.keras", {})
    assert open_network(tmp_path / "m.keras", LABELS).range_from == RESCALES


@pytest.mark.parametrize("name", FOR_OTHERS)
def test_a_layer_made_for_other_pixels_leaves_the_range_to_be_found(name, tmp_path):
    model = FOR_OTHERS[name]()
    assert not rescales_inside(model)
    save_model(model, tmp_path / "m.keras", {})
    assert open_network(tmp_path / "m.keras", LABELS).range_from == UNKNOWN


def test_pictures_of_any_size_are_told_by_the_layer_alone():
    image = keras.Input((None, None, 1))
    mean = layers.GlobalAveragePooling2D()
    assert rescales_inside(keras.Model(image, layers.Dense(2)(mean(layers.Rescaling(1 / 255)(image)))))
    assert not rescales_inside(keras.Model(image, layers.Dense(2)(mean(image))))
