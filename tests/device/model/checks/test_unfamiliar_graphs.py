"""Graphs that are not understood: told, refused, or run in a process of their own."""

import struct
import sys
from pathlib import Path

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
    kernel_options,
    moved,
    of_rank,
    pooled,
    resized,
    sliced,
    split,
)
from graphs import IMAGE, LABELS, Graph

from device.errors import EdgeError
from device.model.checks.graph import unfamiliar
from device.model.expression_model import ExpressionModel
from device.model.file.tflite_file import read_tflite

DEVICE = Path(sys.executable).with_name("device")


def with_subgraphs(graph, name, options, count=3):
    for _ in range(count - 1):
        body = graph._subgraph()
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.name = [1], schema.TensorType.FLOAT32, 0, "x"
        body.tensors, body.inputs, body.outputs = [tensor], [0], [0]
        graph.model.subgraphs.append(body)
    return graph.add(name, [graph.image], IMAGE, options)


def sparse(graph):
    weights = graph.floats((4, 3, 3, 3))
    parameters = schema.SparsityParametersT()
    parameters.traversalOrder, parameters.blockMap = [0, 1, 2, 3], []
    parameters.dimMetadata = []
    graph.graph.tensors[weights].sparsity = parameters
    return convolved(graph, weights)


def variable(graph):
    out = convolved(graph)
    graph.graph.tensors[out].isVariable = True
    return out


def lying_signature(graph):
    out = convolved(graph)
    graph.graph.tensors[out].shapeSignature = [1, 9, 9, 4]
    return out


def other_options(graph):
    weights, bias = graph.floats((4, 3, 3, 3)), graph.floats((4,))
    return graph.add("CONV_2D", [graph.image, weights, bias], (1, 8, 8, 4), graph.options("Pool2D"))


def without_options(graph):
    weights, bias = graph.floats((4, 3, 3, 3)), graph.floats((4,))
    return graph.add("CONV_2D", [graph.image, weights, bias], (1, 8, 8, 4))


def many_operators(graph):
    out = graph.image
    for _ in range(5001):
        out = graph.add("RELU", [out], IMAGE)
    return out


def hours(graph):
    out = graph.image
    for _ in range(60):
        wide = graph.add("TILE", [out, graph.ints([1, 32, 32, 1])], (1, 256, 256, 3))
        out = pooled_back(graph, convolved_on(graph, wide))
    return out


def convolved_on(graph, wide):
    kernel = graph.floats((3, 21, 21, 3))
    return graph.add("CONV_2D", [wide, kernel, graph.floats((3,))], (1, 256, 256, 3), kernel_options(graph))


def pooled_back(graph, wide):
    options = graph.options("Pool2D", strideW=32, strideH=32, filterWidth=1, filterHeight=1)
    return graph.add("MAX_POOL_2D", [wide], IMAGE, options)


def packed_again(graph):
    """One constant of 3 MB, used by many operators, each of which may pack a copy."""
    weights, out = graph.floats((512, 1, 1, 512)), graph.image
    wide = graph.add(
        "CONV_2D", [out, graph.floats((512, 1, 1, 3)), -1], (1, 8, 8, 512), kernel_options(graph)
    )
    for _ in range(300):
        wide = graph.add("CONV_2D", [wide, weights, -1], (1, 8, 8, 512), kernel_options(graph))
    return wide


def squeezed(graph):
    rows = graph.add("PACK", [graph.image], (1, *IMAGE), graph.options("Pack", valuesCount=1))
    return graph.add("SQUEEZE", [rows], IMAGE, graph.options("Squeeze", squeezeDims=[0]))


def gather(graph, places):
    return graph.add(
        "GATHER", [graph.image, graph.ints(places)], (1, 8, 8, 3), graph.options("Gather", axis=1)
    )


UNFAMILIAR = {
    # subgraphs
    "while": lambda g: with_subgraphs(
        g, "WHILE", g.options("While", condSubgraphIndex=1, bodySubgraphIndex=2)
    ),
    "while itself": lambda g: with_subgraphs(g, "WHILE", g.options("While"), count=1),
    "if itself": lambda g: with_subgraphs(g, "IF", g.options("If"), count=1),
    "call once itself": lambda g: with_subgraphs(g, "CALL_ONCE", g.options("CallOnce"), count=1),
    # operators
    "custom": lambda g: g.add("CUSTOM:FlexErf", [g.image], IMAGE),
    "gather out of bounds": lambda g: gather(g, [0, 1, 2, 3, 4, 5, 6, 99]),
    "fill": lambda g: g.add("FILL", [g.ints([1, 8, 8, 3]), g.floats(())], IMAGE),
    "range": lambda g: g.add("RANGE", [g.ints(0), g.ints(2**31 - 1), g.ints(1)], (1,), dtype="int32"),
    "broadcast to": lambda g: moved(g, "BROADCAST_TO", [60000, 8, 8, 3], (1, 8, 8, 3)),
    "random": lambda g: g.add("RANDOM_UNIFORM", [g.ints([1, 8, 8, 3])], IMAGE),
    "variable handle": lambda g: g.add("VAR_HANDLE", [], (), dtype="resource"),
    "densify": lambda g: g.add("DENSIFY", [g.floats(IMAGE)], IMAGE),
    # arity
    "no inputs": lambda g: g.add("RELU", [], IMAGE),
    "one operand": lambda g: g.add("ADD", [g.image], IMAGE, g.options("Add")),
    "three operands": lambda g: g.add("ADD", [g.image] * 3, IMAGE, g.options("Add")),
    "a missing operand": lambda g: g.add("ADD", [g.image, -1], IMAGE, g.options("Add")),
    "no weights": lambda g: g.add("CONV_2D", [g.image, -1, -1], (1, 8, 8, 4), kernel_options(g)),
    "no slopes": lambda g: g.add("PRELU", [g.image], IMAGE),
    "slopes of another shape": lambda g: g.add("PRELU", [g.image, g.floats((2, 8, 8, 3))], IMAGE),
    "nothing to concatenate": lambda g: g.add("CONCATENATION", [], IMAGE, g.options("Concatenation")),
    # options
    "no options": without_options,
    "options of another operator": other_options,
    "squeeze with options of another operator": lambda g: g.add(
        "SQUEEZE", [g.image], (8, 8, 3), g.options("Reshape", newShape=[0])
    ),
    "reshape with options of another operator": lambda g: g.add(
        "RESHAPE", [g.image], (1, 64, 3), g.options("Squeeze", squeezeDims=[1, 64, 3])
    ),
    "stride 0": lambda g: convolved(g, strideW=0),
    "stride below 0": lambda g: convolved(g, strideH=-1),
    "dilation 0": lambda g: convolved(g, dilationWFactor=0),
    "dilation 2^31": lambda g: convolved(g, dilationWFactor=2**31 - 1),
    "padding 7": lambda g: convolved(g, padding=7),
    "activation 9": lambda g: convolved(g, fusedActivationFunction=9),
    "filter larger than the input": lambda g: convolved(
        g, g.floats((4, 9, 9, 3)), padding=VALID, shape=(1, 8, 8, 4)
    ),
    "filters of other channels": lambda g: convolved(g, g.floats((4, 3, 3, 2))),
    "bias of another length": lambda g: convolved(g, None, g.floats((1,))),
    "grouped dynamic weights": lambda g: convolved(g, g.weights((6, 3, 3, 1)), g.floats((6,)), (1, 8, 8, 6)),
    "depth multiplier": lambda g: depthwise(g, multiplier=7),
    "pool stride 0": lambda g: pooled(g, strideW=0),
    "pool filter 0": lambda g: pooled(g, filterWidth=0),
    "pool filter below 0": lambda g: pooled(g, filterHeight=-2),
    "pool larger than the input": lambda g: pooled(g, filterWidth=1 << 20),
    "split in 0": lambda g: split(g, 0),
    "split in 2^31": lambda g: split(g, 2**31 - 1),
    "split with one output": lambda g: split(g, 2, outputs=1),
    "split unevenly": lambda g: split(g, 3, outputs=3),
    "split along 9": lambda g: split(g, axis=9),
    "concatenation along 99": lambda g: joined(g, axis=99),
    "concatenation along -99": lambda g: joined(g, axis=-99),
    "pack along 9": lambda g: g.add("PACK", [g.image], (1, *IMAGE), g.options("Pack", valuesCount=1, axis=9)),
    "pack counts more": lambda g: g.add("PACK", [g.image], (1, *IMAGE), g.options("Pack", valuesCount=5)),
    "beta nan": lambda g: g.add("SOFTMAX", [g.image], IMAGE, g.options("Softmax", beta=float("nan"))),
    "alpha inf": lambda g: g.add("LEAKY_RELU", [g.image], IMAGE, g.options("LeakyRelu", alpha=float("inf"))),
    "slice mask": lambda g: sliced(g, ellipsisMask=3),
    "slice stride 0": lambda g: sliced(g, strides=(1, 0, 1, 1)),
    "empty slice": lambda g: sliced(g, begin=(0, 7, 1, 0), end=(1, 1, 7, 3)),
    # positions and shapes
    "padding below 0": lambda g: moved(g, "PAD", [[0, 0], [-1, 1], [2, 2], [0, 0]]),
    "padding of gigabytes": lambda g: moved(g, "PAD", [[0, 0], [15000] * 2, [15000] * 2, [0, 0]]),
    "paddings of other shape": lambda g: moved(g, "PAD", [[0, 0]]),
    "mirror beyond the edge": lambda g: moved(
        g, "MIRROR_PAD", [[0, 0], [8, 8], [1, 1], [0, 0]], (1, 24, 10, 3), g.options("MirrorPad", mode=0)
    ),
    "paddings computed": lambda g: g.add(
        "PAD", [g.image, g.add("CAST", [g.floats((4, 2))], (4, 2), dtype="int32")], IMAGE
    ),
    "tile of gigabytes": lambda g: moved(g, "TILE", [1, 10000, 10000, 1]),
    "tile 0 times": lambda g: moved(g, "TILE", [1, 0, 1, 1]),
    "two unknown sizes": lambda g: moved(g, "RESHAPE", [-1, -1, 3], (1, 64, 3)),
    "reshape to more": lambda g: moved(g, "RESHAPE", [1, 9, 9, 9], (1, 9, 9, 9)),
    "reshape to other than declared": lambda g: moved(g, "RESHAPE", [1, 64, 3], (1, 32, 6)),
    "transpose twice the same": lambda g: moved(g, "TRANSPOSE", [0, 1, 1, 3]),
    "transpose out of range": lambda g: moved(g, "TRANSPOSE", [0, 1, 2, 99]),
    "reduce along 99": lambda g: moved(g, "MEAN", [99], (1, 8, 3), g.options("Reducer")),
    "expand along 99": lambda g: moved(g, "EXPAND_DIMS", [99], (1, 1, 8, 8, 3)),
    "resize to nothing": lambda g: resized(g, (0, 16)),
    "resize to gigabytes": lambda g: resized(g, (60000, 60000)),
    "resize below 0": lambda g: resized(g, (-4, 16)),
    "transposed conv to gigabytes": lambda g: enlarged(g, (1, 60000, 60000, 4)),
    "transposed conv to other sizes": lambda g: enlarged(g, (1, 23, 16, 4), (1, 23, 16, 4)),
    "slice out of range": lambda g: g.add(
        "SLICE", [g.image, g.ints([0, 9, 0, 0]), g.ints([1, 2, 3, 3])], (1, 2, 3, 3)
    ),
    "rank 9 broadcast": lambda g: g.add(
        "ADD", [of_rank(g, 6), g.floats((3,))], (1, 1, *IMAGE), g.options("Add")
    ),
    "shapes that do not go together": lambda g: g.add(
        "ADD", [g.image, g.floats((2,))], IMAGE, g.options("Add")
    ),
    "a dimension of 0": lambda g: moved(g, "RESHAPE", [0, 8, 8, 3], (0, 8, 8, 3)),
    "a declared shape that is too small": lambda g: convolved(g, shape=(1, 1, 1, 4)),
    "a lying signature": lying_signature,
    # numbers
    "scale 0": lambda g: dequantized(g, 0.0),
    "no scale": lambda g: dequantized(g, scales=[], zero_points=[]),
    "no zero point": lambda g: dequantized(g, zero_points=[]),
    "zero point out of range": lambda g: dequantized(g, zero_point=300),
    "two scales": lambda g: dequantized(g, scales=[0.5] * 3, zero_points=[0] * 3),
    "tiny scale": lambda g: dequantized(g, 1e-38),
    "scales along another axis": lambda g: int8_convolution(g, [0.1] * 3, [0] * 3, axis=1),
    "weights with a zero point": lambda g: int8_convolution(g, [0.1], [7]),
    "weights of scale 0": lambda g: int8_convolution(g, [0.0], [0]),
    "computed int8 weights": lambda g: int8_convolution(g, constant=False),
    "a gain beyond measure": lambda g: int8_convolution(g, [1e3], [0], scale=1e3, out_scale=1e-6),
    "a sum far wider than what it gives": lambda g: binary(g, "ADD", 1.0, 2.0**-19),
    "a difference far wider than what it gives": lambda g: binary(g, "SUB", 1.0, 2.0**-19),
    "a sum of int16 far wider than what it gives": lambda g: binary(g, "ADD", 0.9, 0.9 * 2.0**-14, "int16"),
    "squares far wider than what they give": lambda g: binary(g, "SQUARED_DIFFERENCE", 64.0, 1.0),
    "a comparison of wide numbers": lambda g: int8_comparison(g, 2.0),
    "int4": lambda g: convolved(g, g.tensor((4, 3, 3, 3), "int4", bytes(54), [0.1], [0])),
    "string": lambda g: g.add("CAST", [g.tensor((1,), "string", bytes(8))], IMAGE),
    "complex": lambda g: g.add("CAST", [g.image], IMAGE, dtype="complex64"),
    "bool arithmetic": lambda g: g.add("ADD", [g.image, g.image], IMAGE, g.options("Add"), dtype="bool"),
    "sparse weights": sparse,
    "a variable": variable,
    # sums
    "5001 operators": many_operators,
    "arithmetic for hours": hours,
    "one constant packed 300 times": packed_again,
    "unknown sizes of a graph's own": lambda g: g.add(
        "RESHAPE", [g.image, g.add("CAST", [g.floats((3,))], (3,), dtype="int32")], (1, 64, 3)
    ),
}


@pytest.mark.parametrize(
    ("add", "damage"),
    [
        (convolved, lambda data, table: struct.pack_into("<H", data, table.vtable + 6, 0xFFF0)),
        (squeezed, lambda data, table: struct.pack_into("<I", data, table._place(0, 4), 0xFFFFF0)),
    ],
    ids=["a number", "a list"],
)
def test_an_option_outside_of_its_table_is_not_understood(add, damage):
    """The file and what to do stand in the error, as for each graph that cannot be run in a process of its own."""
    graph = Graph()
    data = bytearray(graph.classifier(add(graph)))
    damage(data, read_tflite(data).operators[-3].options)
    reason = unfamiliar(read_tflite(data))
    assert reason.startswith("operator ")
    assert "outside" in reason
    with pytest.raises(EdgeError, match=r"^a\.tflite .*pass a classifier that 'toolkit quantize' wrote"):
        ExpressionModel(bytes(data), Path("a.tflite"), LABELS)


@pytest.mark.parametrize("name", UNFAMILIAR)
def test_what_is_not_understood_is_told_or_refused(name):
    graph = Graph()
    out = UNFAMILIAR[name](graph)
    if graph.graph.tensors[out].type != schema.TensorType.FLOAT32:
        out = graph.add("CAST", [out], graph.graph.tensors[out].shape)
    try:
        reason = unfamiliar(read_tflite(graph.classifier(out)))
    except EdgeError as error:
        reason = str(error)
    assert reason
    assert "FULLY_CONNECTED" not in reason  # it is not what the test adds that is found
    assert "MEAN" not in reason or name.startswith("reduce")
    assert reason.isprintable()
    assert len(reason) < 300
