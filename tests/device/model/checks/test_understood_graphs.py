"""Graphs that are understood in full: they run in this process."""

import sys
from pathlib import Path

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

from graph_operators import (
    VALID,
    binary,
    convolved,
    depthwise,
    dequantized,
    enlarged,
    int8_comparison,
    int8_convolution,
    joined,
    moved,
    pooled,
    resized,
    sliced,
    split,
)
from graphs import IMAGE, LABELS, Graph

from device.model.checks.graph import unfamiliar
from device.model.expression_model import ExpressionModel
from device.model.file.tflite_file import read_tflite

DEVICE = Path(sys.executable).with_name("device")


UNDERSTOOD = {
    "conv": convolved,
    "conv with stride": lambda g: convolved(g, shape=(1, 4, 4, 4), strideW=2, strideH=2),
    "conv without padding": lambda g: convolved(g, shape=(1, 6, 6, 4), padding=VALID),
    "conv dilated": lambda g: convolved(g, dilationWFactor=2, dilationHFactor=2),
    "conv int8": int8_convolution,
    "conv int8 a scale a channel": lambda g: int8_convolution(g, [0.1] * 4, [0] * 4),
    "sum int8": lambda g: binary(g, "ADD", 1.0, 2.0**-18),
    "sum int16": lambda g: binary(g, "ADD", 0.9, 0.9 * 2.0**-13, "int16"),
    "squares int8": lambda g: binary(g, "SQUARED_DIFFERENCE", 45.0, 1.0),
    "comparison int8": lambda g: int8_comparison(g, 0.99),
    "depthwise": depthwise,
    "transposed conv": enlarged,
    "pool": pooled,
    "quantize": dequantized,
    "quantize uint8": lambda g: dequantized(g, 0.5, 3, "uint8"),
    "pad": lambda g: moved(g, "PAD", [[0, 0], [1, 1], [2, 2], [0, 0]], (1, 10, 12, 3)),
    "mirror pad": lambda g: moved(
        g, "MIRROR_PAD", [[0, 0], [7, 7], [1, 1], [0, 0]], (1, 22, 10, 3), g.options("MirrorPad", mode=0)
    ),
    "reshape": lambda g: moved(g, "RESHAPE", [1, -1, 3], (1, 64, 3)),
    "transpose": lambda g: moved(g, "TRANSPOSE", [0, 2, 1, 3]),
    "tile": lambda g: moved(g, "TILE", [1, 2, 1, 1], (1, 16, 8, 3)),
    "expand": lambda g: moved(g, "EXPAND_DIMS", [1], (1, 1, 8, 8, 3)),
    "squeeze": lambda g: g.add(
        "SQUEEZE",
        [moved(g, "EXPAND_DIMS", [1], (1, 1, 8, 8, 3))],
        IMAGE,
        g.options("Squeeze", squeezeDims=[1]),
    ),
    "sum": lambda g: moved(g, "SUM", [1], (1, 1, 8, 3), g.options("Reducer", keepDims=True)),
    "split": split,
    "resize": resized,
    "strided slice": sliced,
    "slice": lambda g: g.add("SLICE", [g.image, g.ints([0, 1, 1, 0]), g.ints([1, 5, -1, 3])], (1, 5, 7, 3)),
    "concatenation": joined,
    "pack": lambda g: g.add(
        "PACK", [g.image, g.image], (1, 2, 8, 8, 3), g.options("Pack", valuesCount=2, axis=1)
    ),
    "add": lambda g: g.add("ADD", [g.image, g.floats((3,))], IMAGE, g.options("Add")),
    "prelu": lambda g: g.add("PRELU", [g.image, g.floats((1, 1, 3))], IMAGE),
    "leaky": lambda g: g.add("LEAKY_RELU", [g.image], IMAGE, g.options("LeakyRelu", alpha=0.1)),
    "softmax": lambda g: g.add("SOFTMAX", [g.image], IMAGE, g.options("Softmax", beta=1.0)),
    "norm": lambda g: g.add("L2_NORMALIZATION", [g.image], IMAGE, g.options("L2Norm")),
    "cast": lambda g: g.add("CAST", [g.add("CAST", [g.image], IMAGE, dtype="int32")], IMAGE),
    "product": lambda g: g.add(
        "BATCH_MATMUL", [g.image, g.image], (1, 8, 3, 3), g.options("BatchMatMul", adjX=True)
    ),
    "relu, tanh": lambda g: g.add("TANH", [g.add("RELU6", [g.image], IMAGE)], IMAGE),
    "greater, select": lambda g: g.add(
        "SELECT", [g.add("GREATER", [g.image, g.image], IMAGE, dtype="bool"), g.image, g.image], IMAGE
    ),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_what_is_understood_runs_in_this_process(name):
    graph = Graph()
    model = ExpressionModel(graph.classifier(UNDERSTOOD[name](graph)), Path("a.tflite"), LABELS)
    assert model.confined_because is None
    assert model.predict(np.zeros((1, 8, 8), np.uint8)).sum() == pytest.approx(1)


def float16_weights(graph):
    half = graph.tensor((4, 3, 3, 3), "float16", np.ones((4, 3, 3, 3), np.float16))
    return convolved(graph, graph.add("DEQUANTIZE", [half], (4, 3, 3, 3)))


def test_weights_of_float16_are_understood():
    graph = Graph()
    assert unfamiliar(read_tflite(graph.classifier(float16_weights(graph)))) is None


def open_batch(graph):
    """SHAPE, STRIDED_SLICE and PACK before a RESHAPE, as converters write it where the batch is open."""
    shape = graph.add("SHAPE", [graph.image], (4,), graph.options("Shape", outType=2), dtype="int32")
    first = graph.add(
        "STRIDED_SLICE", [shape, graph.ints([0]), graph.ints([1]), graph.ints([1])], (),
        graph.options("StridedSlice", shrinkAxisMask=1), dtype="int32",
    )  # fmt: skip
    sizes = graph.add(
        "PACK",
        [first, graph.ints(64), graph.ints(3)],
        (3,),
        graph.options("Pack", valuesCount=3),
        dtype="int32",
    )
    return graph.add("RESHAPE", [graph.image, sizes], (1, 64, 3), signature=[-1, 64, 3])


def test_sizes_computed_from_an_open_batch_are_understood():
    graph = Graph()
    assert unfamiliar(read_tflite(graph.classifier(open_batch(graph)))) is None


def test_a_constant_times_itself_is_understood():
    graph = Graph()
    table = graph.weights((3, 3), "int8")
    product = graph.add(
        "FULLY_CONNECTED", [table, table], (3, 3), graph.options("FullyConnected"),
        dtype="int8", scales=[0.01], zero_points=[0],
    )  # fmt: skip
    row = graph.add(
        "MEAN", [graph.add("DEQUANTIZE", [product], (3, 3)), graph.ints([0])], (3,), graph.options("Reducer")
    )
    out = graph.add("ADD", [graph.image, row], IMAGE, graph.options("Add"))
    assert unfamiliar(read_tflite(graph.classifier(out))) is None
