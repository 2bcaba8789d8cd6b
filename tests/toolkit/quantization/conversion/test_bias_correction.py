"""The mean error of each channel is taken out of its bias."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="quantizing needs the [toolkit] extra")

from device.model.expression_model import ExpressionModel
from device.model.file.tflite_file import read_tflite
from toolkit.data.readers.loading import SYNTHETIC, load_dataset
from toolkit.models.keras_file import save_model
from toolkit.models.network import open_network
from toolkit.quantization.conversion.bias_correction import channel_shifts, correct_biases
from toolkit.quantization.conversion.convert import Conversion

pytestmark = pytest.mark.toolkit
BEST = Path(__file__).parents[4] / "models" / "best.keras"


@pytest.fixture(scope="module")
def conversion():
    return Conversion(open_network(BEST), load_dataset(SYNTHETIC).images[:40])


def stored(conversion):
    return np.rint(conversion.network.prepare(conversion.images) * 255 - 128).astype(np.int8)


def test_the_shifts_that_were_measured_are_gone_from_the_corrected_network(conversion):
    before = channel_shifts(conversion._verifying_as_rounded, stored(conversion))
    after = channel_shifts(conversion.verifying(), stored(conversion))
    assert set(before) == set(after)
    left, there = (sum(np.abs(shift).mean() for shift in shifts.values()) for shifts in (after, before))
    assert left < 0.5 * there


def test_what_a_later_layer_clips_is_no_shift(tmp_path):
    """The converter gives a convolution the range of the clipping behind it, and int8 ends there."""
    keras.utils.set_random_seed(0)
    image = keras.Input((48, 48, 1))
    x = keras.layers.Conv2D(8, 3, strides=2, kernel_initializer=keras.initializers.RandomNormal(stddev=4))(
        keras.layers.Rescaling(1 / 255)(image)
    )
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU(max_value=3.0)(x))
    save_model(
        keras.Model(image, keras.layers.Dense(7, "softmax")(x)),
        tmp_path / "m.keras",
        {"labels": [*"abcdefg"]},
    )
    clipped = Conversion(open_network(tmp_path / "m.keras"), load_dataset(SYNTHETIC).images[:20])
    file = read_tflite(clipped._verifying_as_rounded)
    outputs = [file.tensors[layer.outputs[0]] for layer in file.operators if layer.name == "CONV_2D"]
    output = next(tensor for tensor in outputs if tensor.dtype == "int8")
    shift = channel_shifts(clipped._verifying_as_rounded, stored(clipped))[output.name]
    assert np.abs(shift).max() < 5 * output.scales[0]  # it was over 1,000


def test_int8_is_closer_to_float_than_with_rounded_weights_alone(conversion):
    faces = load_dataset(SYNTHETIC).images[40:]
    exact = conversion.network.predict(faces)

    def change(tflite: bytes) -> float:
        answers = ExpressionModel(tflite, BEST, conversion.network.labels).predict(faces)
        return float(np.abs(answers - exact).mean())

    rounded = conversion._quantized(("int8", "int8"), ())
    assert change(conversion.integer()) < 0.9 * change(rounded)


def test_only_int8_biases_of_the_named_layers_change(conversion):
    rounded = conversion._quantized(("int8", "int8"), ())
    file = read_tflite(rounded)
    layer = next(operator for operator in file.operators if operator.name == "DEPTHWISE_CONV_2D")
    bias = file.tensors[layer.inputs[2]]
    shift = 3.0 * np.array(bias.scales)
    corrected = read_tflite(
        correct_biases(rounded, {file.tensors[layer.outputs[0]].name: shift, "none": shift})
    )
    for index, (old, new) in enumerate(zip(file.tensors, corrected.tensors, strict=True)):
        if index == layer.inputs[2]:
            np.testing.assert_array_equal(new.values(), old.values() + 3)
        else:
            assert (old.constant is None) == (new.constant is None)
            assert old.constant is None or bytes(old.constant) == bytes(new.constant)


def test_layers_kept_in_float_keep_their_biases(conversion):
    kept = conversion.layers[-2].name
    mixed = read_tflite(conversion.integer(kept_float=(kept,)))
    floats = [
        operator for operator in mixed.operators if mixed.tensors[operator.outputs[0]].dtype == "float32"
    ]
    exact = read_tflite(conversion.float_file)
    by_name = {tensor.name: tensor for tensor in exact.tensors}
    biases = [mixed.tensors[operator.inputs[2]] for operator in floats if operator.name == "FULLY_CONNECTED"]
    assert biases
    for bias in biases:
        np.testing.assert_array_equal(bias.values(), by_name[bias.name].values())
