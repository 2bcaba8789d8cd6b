"""Graphs and files that contradict themselves: refused before anything is run."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

from graph_operators import convolved, dequantized, of_rank
from graphs import IMAGE, LABELS, Graph

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel, load_model
from device.model.file.operator_names import OPERATOR_NAMES
from device.model.file.tflite_file import read_tflite

DEVICE = Path(sys.executable).with_name("device")


def cycle(graph):
    one, two = graph.tensor(IMAGE), graph.tensor(IMAGE)
    graph.operator("RELU", [two], [one])
    graph.operator("RELU", [one], [two])
    return two


def written_twice(graph):
    out = graph.add("RELU", [graph.image], IMAGE)
    graph.operator("RELU6", [graph.image], [out])
    return out


def writes_its_input(graph):
    graph.operator("RELU", [graph.image], [graph.image])
    return graph.image


def writes_a_constant(graph):
    out = graph.floats(IMAGE)
    graph.operator("RELU", [graph.image], [out])
    return out


def same_output_twice(graph):
    out = graph.tensor((1, 4, 8, 3))
    graph.operator("SPLIT", [graph.ints(1), graph.image], [out, out], graph.options("Split", numSplits=2))
    return out


def nine_dimensions(graph):
    return of_rank(graph, 9)


def negative_size(graph):
    return graph.add("RELU", [graph.image], (1, -8, 8, 3))


def enormous(graph):
    return graph.add("RELU", [graph.image], (1, 1 << 20, 1 << 20, 3))


def short_constant(graph):
    return convolved(graph, graph.tensor((4, 3, 3, 3), "float32", bytes(8)))


def negative_scale(graph):
    return dequantized(graph, -1.0)


def scale_nan(graph):
    return dequantized(graph, float("nan"))


def no_such_tensor(graph):
    return graph.add("RELU", [99], IMAGE)


def no_such_buffer(graph):
    return convolved(graph, graph.tensor((4, 3, 3, 3), buffer=99))


@pytest.mark.parametrize(
    "build",
    [
        cycle, written_twice, writes_its_input, writes_a_constant, same_output_twice, nine_dimensions,
        negative_size, enormous, short_constant, negative_scale, scale_nan, no_such_tensor, no_such_buffer,
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(build):
    graph = Graph()
    with pytest.raises(EdgeError, match="is a damaged TFLite model"):
        read_tflite(graph.classifier(build(graph)))


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (lambda: Graph(dtype="int8", scale=0.1), None),
        (lambda: Graph(dtype="int8"), "scales"),
        (lambda: Graph(dtype="int8", scale=0.0), "a scale above 0"),
        (lambda: Graph(dtype="int32"), "takes int32"),
        (lambda: Graph(dtype="bool"), "takes bool"),
        (lambda: Graph((1, 8, 8, 4)), "takes an input of shape"),
        (lambda: Graph((1, 0, 8, 3)), "takes an input of shape"),
        (lambda: Graph((1, 1 << 13, 1 << 13, 3)), "numbers"),
        (lambda: Graph((8, 8)), "takes an input of shape"),
    ],
)  # fmt: skip
def test_inputs_that_no_face_fits_are_refused(graph, said):
    made = graph()
    features = made.image
    if made.graph.tensors[features].type == schema.TensorType.INT8 and said is None:
        features = made.add("DEQUANTIZE", [features], IMAGE)
    data = made.classifier(features)
    if said is None:
        assert ExpressionModel(data, Path("a.tflite"), LABELS).confined_because is None
        return
    with pytest.raises(EdgeError, match=said):
        ExpressionModel(data, Path("a.tflite"), LABELS)


def test_operator_names_are_those_of_the_schema():
    theirs = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    assert {code: OPERATOR_NAMES[code] for code in range(len(OPERATOR_NAMES)) if code in theirs} == {
        code: name for code, name in theirs.items() if code < len(OPERATOR_NAMES)
    }


def test_a_vector_that_is_named_over_and_over_is_refused(tiny_model):
    graph = Graph()
    out = graph.image
    for _ in range(50):
        out = graph.add("RELU", [out], IMAGE)
    graph.graph.tensors[out].shape = list(IMAGE)
    for tensor in graph.graph.tensors:
        tensor.name = "x" * 400_000
    with pytest.raises(EdgeError, match="over and over"):
        read_tflite(graph.classifier(out))


def test_no_file_at_all_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(EdgeError, match="no regular file"):
        load_model(tmp_path / "pipe.tflite")
    with open(tmp_path / "huge.tflite", "wb") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(EdgeError, match="expected at most 256"):
        load_model(tmp_path / "huge.tflite")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 3e38])
def test_numbers_that_are_not_finite_are_one_line(value):
    graph = Graph()
    scaled = graph.add("MUL", [graph.image, graph.floats((3,), value)], IMAGE, graph.options("Mul"))
    twice = graph.add("MUL", [scaled, graph.floats((3,), value)], IMAGE, graph.options("Mul"))
    model = ExpressionModel(graph.classifier(twice), Path("a.tflite"), LABELS)
    with pytest.raises(EdgeError, match="puts out numbers that are not finite"):
        model.predict(np.full((1, 8, 8), 200, np.uint8))
