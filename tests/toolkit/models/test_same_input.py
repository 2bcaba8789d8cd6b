"""Training, quantization, measurement and the device make the same input of a face, whatever the network's size."""

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the toolkit's network needs the [toolkit] extra")

from device.model.expression_model import ExpressionModel
from toolkit.models.keras_file import save_model
from toolkit.models.network import open_network
from toolkit.quantization.conversion.convert import Conversion
from toolkit.training.pixels import fitted, pixels

pytestmark = pytest.mark.toolkit


@pytest.mark.parametrize(
    ("size_hw", "channels"), [((24, 24), 1), ((96, 96), 3), ((64, 32), 3), ((48, 48), 1)]
)
def test_toolkit_and_device_make_the_same_input(size_hw, channels, tmp_path):
    keras = pytest.importorskip("keras", reason="the toolkit's network needs the [toolkit] extra")

    image = keras.Input((*size_hw, channels))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(mean))
    save_model(model, tmp_path / "m.keras", {"labels": ["a", "b", "c"]})
    network = open_network(tmp_path / "m.keras")
    device = ExpressionModel(
        Conversion(network, np.zeros((1, 48, 48), np.uint8)).float_file,
        tmp_path / "m.tflite",
        ("a", "b", "c"),
    )
    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48), np.uint8)
    prepared = network.prepare(faces)
    trained = fitted(pixels(faces), (*size_hw, channels))  # not rounded, as augmented faces are not
    for face, asked, learnt in zip(faces, prepared, trained, strict=True):
        np.testing.assert_allclose(device.prepare(face)[0], asked, atol=1e-6)
        np.testing.assert_allclose(learnt, asked * 255, atol=1)
        assert cv2.mean(learnt)[0] == pytest.approx(face.mean(), abs=3)
