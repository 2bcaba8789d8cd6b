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
from device.model.checks.graph import unfamiliar
from device.model.expression_model import ExpressionModel, load_model
from device.model.file.operator_names import OPERATOR_NAMES
from device.model.file.tflite_file import read_tflite
from device.model.pixels import rescales

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


def any_size(shape):
    graph = Graph(shape)
    graph.graph.tensors[graph.image].shapeSignature = [1, -1, -1, shape[3]]
    return graph


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (lambda: Graph(dtype="int8", scale=0.1), None),
        (lambda: Graph(dtype="int8"), "scales"),
        (lambda: Graph(dtype="int8", scale=0.0), "a scale above 0"),
        (lambda: Graph(dtype="int32"), "takes int32"),
        (lambda: Graph(dtype="bool"), "takes bool"),
        (lambda: Graph((1, 8, 8, 4)), "takes an input of shape .*; train it on pictures of one channel"),
        (lambda: Graph((1, 0, 8, 3)), "takes an input of shape .*; convert its Keras model"),
        (lambda: Graph((1, 1 << 13, 1 << 13, 3)), "numbers"),
        (lambda: Graph((8, 8)), "takes an input of shape"),
        (lambda: Graph((1, 3, 8, 8)), "its channels first; expected .* onnx2tf, which puts the channels last"),
        (lambda: any_size((1, 1, 1, 1)), "takes pictures of any size; .* a fixed one"),
        (lambda: any_size((1, 8, 8, 1)), None),  # which it has until it is given another
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


def ending(shape):
    """A classifier whose output has ``shape``."""
    graph = Graph()
    if shape == ():
        return graph.file(
            graph.add("MEAN", [graph.image, graph.ints([0, 1, 2, 3])], (), graph.options("Reducer"))
        )
    pooled = graph.add("MEAN", [graph.image, graph.ints([1, 2])], (1, 3), graph.options("Reducer"))
    count = int(np.prod(shape))
    scores = graph.add("FULLY_CONNECTED", [pooled, graph.floats((count, 3)), -1], (1, count),
                       graph.options("FullyConnected"))  # fmt: skip
    return graph.file(graph.add("RESHAPE", [scores, graph.ints(shape)], shape))


@pytest.mark.parametrize("shape", [(1, 7), (1, 1, 7), (1, 1, 1, 7), (7,)])
def test_a_row_of_scores_in_any_rank_is_one(shape):
    model = ExpressionModel(ending(shape), Path("a.tflite"), LABELS)
    assert model.predict(np.zeros((2, 8, 8), np.uint8)) == pytest.approx(np.full((2, 7), 1 / 7))


@pytest.mark.parametrize("labels", [None, LABELS])
@pytest.mark.parametrize("shape", [(7, 1), (2, 7), (1, 7, 2), (1, 8, 8, 7), ()])
def test_an_output_that_is_no_row_of_scores_is_refused(shape, labels):
    with pytest.raises(EdgeError, match=r"puts out numbers of shape .*expected one row"):
        ExpressionModel(ending(shape), Path("a.tflite"), labels, allow_unlabelled=labels is None)


def test_an_input_that_is_the_output_is_refused():
    graph = Graph()
    with pytest.raises(EdgeError, match="puts out numbers of shape"):
        ExpressionModel(graph.file(graph.image), Path("a.tflite"), allow_unlabelled=True)


def with_float_scales(graph, outputs, zero_points):
    """The file with a scale of 0.5 on its input and output, which are float."""
    for place in (graph.image, *outputs):
        parameters = schema.QuantizationParametersT()
        parameters.scale, parameters.zeroPoint = [0.5], zero_points
        graph.graph.tensors[place].quantization = parameters
    return graph.file(*outputs)


def test_a_scale_on_floats_means_nothing():
    graph = Graph()
    scaled = graph.add("MUL", [graph.image, graph.floats((3,), 4.0)], IMAGE, graph.options("Mul"))
    plain = ExpressionModel(graph.classifier(scaled), Path("a.tflite"), LABELS, pixel_range="0..1")
    data = with_float_scales(graph, graph.graph.outputs, [3])
    model = ExpressionModel(data, Path("a.tflite"), LABELS, pixel_range="0..1")
    face = np.full((1, 8, 8), 200, np.uint8)
    stored = model.infer(model.prepare(face[0]))
    assert stored == pytest.approx(plain.infer(plain.prepare(face[0])))
    assert model.probabilities(stored[None]) == pytest.approx(plain.probabilities(stored[None]))


def test_a_scale_on_floats_without_a_zero_point_is_one_line():
    graph = Graph()
    graph.classifier(graph.image)
    with pytest.raises(EdgeError, match="the interpreter refuses"):
        ExpressionModel(with_float_scales(graph, graph.graph.outputs, None), Path("a.tflite"), LABELS)


@pytest.mark.parametrize("name", ["MUL", "DIV", "ADD", "SUB"])
def test_a_sparse_constant_first_tells_no_pixel_range(name):
    graph = Graph()
    parameters = schema.SparsityParametersT()
    parameters.traversalOrder, parameters.blockMap, parameters.dimMetadata = [0], [], []
    sparse = graph.tensor((3,), "float32", bytes(4))
    graph.graph.tensors[sparse].sparsity = parameters
    scaled = graph.add(name, [graph.image, sparse], IMAGE, graph.options(name.title()))
    structure = read_tflite(graph.classifier(scaled))
    assert unfamiliar(structure).endswith("a sparse tensor")
    assert not rescales(structure)


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
