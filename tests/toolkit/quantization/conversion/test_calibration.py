"""The ranges that int8 stands on, and what has none: recurrent networks and control flow."""

import keras
import numpy as np
import pytest
from graphs import Graph
from keras import layers

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from toolkit.models.keras_file import save_model
from toolkit.models.network import open_network
from toolkit.models.tflite_object import unpacked
from toolkit.quantization.conversion.calibration import calibrate
from toolkit.quantization.conversion.convert import Conversion
from toolkit.quantization.conversion.recipe import recipe_named
from toolkit.quantization.conversion.recurrence import recurrent_layers, unroll
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.run import open_quantizer

from ..conftest import CLASSES, conversion

pytestmark = pytest.mark.toolkit


def recurrent(kind):
    keras.utils.set_random_seed(0)
    image = keras.Input((48, 48, 1))
    rows = layers.Reshape((12, 192))(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Dense(7, activation="softmax")(kind(rows)))


KINDS = {
    "GRU": lambda: layers.GRU(4, name="memory"),
    "LSTM": lambda: layers.LSTM(4, name="memory"),
    "SimpleRNN": lambda: layers.SimpleRNN(4, name="memory"),
    "both ways": lambda: layers.Bidirectional(layers.GRU(4, name="memory")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_networks_name_the_layer_and_work_in_float16(tmp_path, faces, kind):
    path, model = tmp_path / "m.keras", recurrent(KINDS[kind]())
    model.save(path)
    few = faces.select(np.arange(70))
    quantizer = open_quantizer(
        QuantizeOptions(path, few, labels=faces.classes, representative=20, untrained=True)
    )
    for recipe in ("int8", "int8-mixed", "int16x8"):
        with pytest.raises(EdgeError, match=r"memory \(\w+\).* is recurrent .*pass `recipe=float16`"):
            quantizer.quantize(recipe_named(recipe))
    made = quantizer.quantize(recipe_named("float16")).model()
    direct = np.asarray(model(few.images[:5, ..., None].astype(np.float32)))
    assert made.predict(few.images[:5]) == pytest.approx(direct, abs=5e-3)
    assert "WHILE" not in {operator.name for operator in made.structure.operators}


def test_control_flow_is_one_line_that_names_it(tmp_path, faces, monkeypatch):
    path = tmp_path / "m.keras"
    recurrent(layers.GRU(4, name="memory")).save(path)
    network = open_network(path, faces.classes)
    monkeypatch.setattr(
        "toolkit.quantization.conversion.convert.unroll", lambda model: None
    )  # so the loop stays one
    monkeypatch.setattr(Conversion, "refuse_recurrent", lambda self: None)
    with pytest.raises(EdgeError, match=r"m\.keras: WHILE .*no int8 form here; pass `recipe=float16`$"):
        _ = Conversion(network, faces.images[:20]).calibrated


def ranges_by_number(calibrated):
    tensors = unpacked(calibrated).subgraphs[0].tensors
    found = {index: tensor.quantization for index, tensor in enumerate(tensors)}
    return {
        i: (one.min[0], one.max[0]) for i, one in found.items() if one is not None and one.min is not None
    }


def test_each_number_has_the_range_of_what_was_there_before_another_took_its_place():
    graph = Graph((1, 4))
    power = graph.add("EXP", [graph.image], (1, 4))
    less = graph.add("SUB", [power, graph.floats((1,), 3.0)], (1, 4), graph.options("Sub"))
    end = graph.add("MUL", [less, graph.floats((1,), 2.0)], (1, 4), graph.options("Mul"))
    seen = np.array([[[0.0, 0.25, 0.5, 0.75]], [[0.5, 0.5, 0.5, 1.0]]], np.float32)
    e = np.float32(np.e)
    assert ranges_by_number(calibrate(graph.file(end), seen)) == {
        graph.image: pytest.approx((0, 1)),
        power: pytest.approx((1, e)),
        less: pytest.approx((-2, e - 3)),
        end: pytest.approx((-4, 2 * e - 6)),
    }


@pytest.mark.parametrize("bad", [0, -1])  # of which the logarithm is -inf and NaN
def test_a_number_that_is_not_finite_is_one_line_that_names_where(bad):
    graph = Graph((1, 4))
    data = graph.file(graph.add("LOG", [graph.image], (1, 4)))
    faces = np.array([[[1, bad, 2, 3]], [[1, 1, 2, 3]]], np.float32)
    with pytest.raises(EdgeError, match=r"^t1 becomes a number that is not finite, int8 has none$"):
        calibrate(data, faces)


def test_scales_that_end_the_process_are_one_line_that_names_the_operator(tmp_path, faces):
    made = conversion(tmp_path / "m.keras", faces, lambda x: x + 0 * keras.ops.where(x > -0.2, x, -1e9))
    with pytest.raises(EdgeError, match=r"m\.keras: int8 has no form for GREATER, .* pass `recipe=float16`$"):
        made.integer()


def test_an_activation_of_one_number_is_corrected_and_equalized(tmp_path, faces):
    made = conversion(tmp_path / "m.keras", faces, lambda x: x / (1 + keras.ops.max(x)))
    asked = faces.images[300:400]
    expected = made.network.predict(asked).argmax(axis=1)
    for one in (made, made.equalized):
        quantized = ExpressionModel(one.integer(), tmp_path / "m.tflite", CLASSES)
        assert (quantized.predict(asked).argmax(axis=1) == expected).mean() > 0.9


def test_a_picture_that_is_joined_with_wider_numbers_is_refused_with_the_cause(tmp_path, faces):
    image = keras.Input((48, 48, 1))
    joined = layers.Concatenate()([image, 4 * layers.Conv2D(3, 3, padding="same")(image)])
    readout = layers.Dense(7, "softmax")(layers.GlobalAveragePooling2D()(joined))
    save_model(keras.Model(image, readout), tmp_path / "m.keras", {"labels": list(CLASSES)})
    made = Conversion(open_network(tmp_path / "m.keras"), faces.images[:20])
    with pytest.raises(EdgeError, match=r"expected 1/255 .* joins the picture .* pass `recipe=float16`$"):
        made.to(recipe_named("int8"))


def test_unrolled_a_network_answers_as_before():
    model = recurrent(layers.LSTM(4, return_sequences=False))
    faces = np.random.default_rng(0).random((2, 48, 48, 1), dtype=np.float32)
    before = np.asarray(model(faces))
    unroll(model)
    assert [layer.unroll for layer in recurrent_layers(model)] == [True]
    assert np.asarray(model(faces)) == pytest.approx(before, abs=1e-6)
