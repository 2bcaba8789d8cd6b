"""Networks with operators that the converter leaves in float32, in full int8."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="quantizing needs the [toolkit] extra")

from ai_edge_litert.interpreter import Interpreter
from graphs import Graph

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from device.model.file.tflite_file import read_tflite
from toolkit.quantization.conversion.int8_forms import as_products, elu_in_int8
from toolkit.quantization.conversion.recipe import recipe_named

from ..conftest import CLASSES, conversion

pytestmark = pytest.mark.toolkit
NORMALIZED = {
    "layer": lambda x: keras.layers.LayerNormalization()(x),
    "group": lambda x: keras.layers.GroupNormalization(4)(x),
    "root mean square": lambda x: keras.layers.RMSNormalization()(x),
}
BENT = {
    "elu": lambda x: keras.layers.ELU()(x),
    "two, one read twice": lambda x: (
        (y := keras.layers.ELU()(x)) + keras.layers.Conv2D(16, 1, activation="elu")(y)
    ),
    "beside what it reads": lambda x: keras.layers.ELU()(x) + x,
}


def opened(data):
    """The model, and which types its operators write."""
    model = ExpressionModel(data, Path("m.tflite"), CLASSES)
    file = model.structure
    return model, {file.tensors[operator.outputs[0]].dtype for operator in file.operators}


@pytest.mark.parametrize("name", NORMALIZED)
def test_a_normalisation_is_int8_from_end_to_end_and_answers_alike(name, tmp_path, faces):
    made = conversion(tmp_path / "m.keras", faces, NORMALIZED[name])
    quantized, written = opened(made.to(recipe_named("int8")))
    assert written == {"int8"}
    asked = faces.select(slice(300, 400))
    expected, got = made.network.predict(asked.images), quantized.predict(asked.images)
    assert (expected.argmax(axis=1) == asked.labels).mean() > 0.8
    assert (expected.argmax(axis=1) == got.argmax(axis=1)).mean() > 0.85


@pytest.mark.parametrize("name", BENT)
def test_elu_is_int8_and_answers_as_between_floats(name, tmp_path, faces):
    made = conversion(tmp_path / "m.keras", faces, BENT[name])
    left = made._quantized(("int8", "int8"), ())
    before, written = opened(left)
    assert written == {"int8", "float32"}
    after, written = opened(elu_in_int8(left))
    assert written == {"int8"}
    asked = faces.images[300:350]
    np.testing.assert_array_equal(after.predict(asked), before.predict(asked))


def test_what_is_to_stay_in_float_stays(tmp_path, faces):
    def layers(x):
        return keras.layers.Conv2D(16, 1, activation="elu")(keras.layers.ELU(name="bent")(x))

    made = conversion(tmp_path / "m.keras", faces, layers)
    file = read_tflite(made.integer(kept_float=("bent",)))
    elus = [operator for operator in file.operators if operator.name == "ELU"]
    assert [file.tensors[operator.outputs[0]].dtype for operator in elus] == ["float32", "int8"]


def test_the_float_file_keeps_its_operators_and_int16_names_those_it_lacks(tmp_path, faces):
    made = conversion(tmp_path / "m.keras", faces, NORMALIZED["layer"])
    assert "NEG" in {one.name for one in read_tflite(made.to(recipe_named("float32"))).operators}
    with pytest.raises(EdgeError, match=r"m\.keras: NEG.* has no int16x8 form here; pass `recipe=int8`$"):
        made.to(recipe_named("int16x8"))


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_a_negation_of_any_type_is_a_product(dtype):
    graph = Graph((1, 4), dtype)
    once = graph.add("NEG", [graph.image], (1, 4), dtype=dtype)
    data = as_products(graph.file(graph.add("NEG", [once], (1, 4), dtype=dtype), once))
    assert [operator.name for operator in read_tflite(data).operators] == ["MUL", "MUL"]
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    numbers = np.array([[1, -2, 3, 0]], dtype)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], numbers)
    interpreter.invoke()
    twice, negated = (interpreter.get_tensor(one["index"]) for one in interpreter.get_output_details())
    np.testing.assert_array_equal(twice, numbers)
    np.testing.assert_array_equal(negated, -numbers)
