"""A small network that is good at something, made in seconds: the ground for quantizing it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from toolkit.data.dataset import Dataset

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def stripes(count: int, seed: int) -> Dataset:
    """Return noisy stripes, ``count`` in all, whose direction is the class: easy to learn, not trivial."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 7
    angles = labels * np.pi / 7 + rng.normal(0, 0.08, count)
    y, x = np.mgrid[:48, :48]
    across = x * np.cos(angles)[:, None, None] + y * np.sin(angles)[:, None, None]
    waves = np.sin(across * 2 * np.pi / rng.uniform(7, 9, (count, 1, 1)) + rng.uniform(0, 6.3, (count, 1, 1)))
    gray = 128 + 50 * waves + rng.normal(0, 35, (count, 48, 48))
    images = gray.clip(0, 255).astype(np.uint8)
    splits, names = np.full(count, "train"), np.array([f"stripes {row}" for row in range(count)])
    return Dataset(images, labels, CLASSES, splits, names, source="stripes", synthetic=True)


def plain_network():
    """Return three convolutions with batch normalisation, pixels 0..255 in, probabilities out, untrained."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    x = image = keras.Input((48, 48, 1))
    x = layers.Rescaling(1 / 255)(x)
    for width, name in ((8, "one"), (16, "two"), (16, "three")):
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.8, name=f"{name}_norm")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(7, activation="softmax", name="head")(x))


def conversion(path, faces, layer, ridge=1e-3):
    """Return the conversions of a network of random weights around ``layer``, its readout fitted to the stripes.

    ridge: how far from large weights, which int8 rounds too, the readout is kept.
    """
    import keras

    from toolkit.models.keras_file import save_model
    from toolkit.models.network import open_network
    from toolkit.quantization.conversion.convert import Conversion

    keras.utils.set_random_seed(2)
    image = keras.Input((48, 48, 1))
    x = keras.layers.Conv2D(16, 5, strides=2)(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Conv2D(32, 3, strides=2, activation="relu")(layer(x))
    features = keras.layers.GlobalAveragePooling2D()(x)
    readout = keras.layers.Dense(7, "softmax")
    model = keras.Model(image, readout(features))
    seen = keras.Model(image, features).predict_on_batch(faces.images[:300, ..., None].astype(np.float32))
    mean = seen.mean(axis=0)
    gram = (seen - mean).T @ (seen - mean)
    gram += ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
    targets = np.eye(7)[faces.labels[:300]] - 1 / 7
    kernel = 8 * np.linalg.solve(gram, (seen - mean).T @ targets)
    readout.set_weights([kernel, -mean @ kernel])
    save_model(model, path, {"labels": list(CLASSES)})
    return Conversion(open_network(path), faces.images[:50])


@pytest.fixture(scope="session")
def faces() -> Dataset:
    return stripes(700, seed=1)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The path of a trained ``.keras`` file that names its classes."""
    import keras

    from toolkit.models.keras_file import save_model

    data = stripes(1400, seed=0)
    model = plain_network()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(data.images[..., None].astype(np.float32), data.labels, batch_size=64, epochs=12, verbose=0)
    path = tmp_path_factory.mktemp("trained") / "best.keras"
    save_model(model, path, {"labels": list(CLASSES), "crop_margin": 1.3})
    return path


@pytest.fixture(scope="session")
def quantizer(trained, faces):
    """The trained network, opened and calibrated once."""
    from toolkit.quantization.options import QuantizeOptions
    from toolkit.quantization.run import open_quantizer

    return open_quantizer(QuantizeOptions(trained, faces, representative=100))
