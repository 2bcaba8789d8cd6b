"""Regenerates tiny_int8.tflite, a seven-class classifier of 6 kB with seeded random weights, quantized by the
toolkit.

Run from the repository's root: ``python tests/device/models/make_tiny.py``.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.models.keras_file import save_model
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.run import run

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
HERE = Path(__file__).parent


def tiny_network() -> keras.Model:
    """Return an untrained network of two convolutions, pixels 0..255 in, logits out."""
    keras.utils.set_random_seed(7)
    image = keras.Input((48, 48, 1))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(4, 5, strides=4, activation="relu", name="first")(x)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="second")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(7, kernel_initializer="he_normal", name="logits")(x))


def noise_faces(count: int = 70) -> Dataset:
    """Return seeded blobs of gray, ten a class."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (count, 6, 6), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    splits, names = np.full(count, "test"), np.array([f"blob {row}" for row in range(count)])
    return Dataset(
        images, np.arange(count) % 7, CLASSES, splits, names, source="synthetic blobs", synthetic=True
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        save_model(tiny_network(), Path(folder) / "tiny.keras", {"labels": list(CLASSES)})
        out = HERE / "tiny_int8.tflite"
        request = QuantizeOptions(
            Path(folder) / "tiny.keras", noise_faces(), out, untrained=True, overwrite=True
        )
        run(request)
    print(out)
