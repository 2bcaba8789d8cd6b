"""Which graphs are understood, and that nothing else reaches an interpreter in this process."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

sys.path.insert(0, str(Path(__file__).parents[2]))
from graphs import IMAGE, LABELS, Graph

from device.errors import EdgeError
from device.model.expression_model import load_model, model_of
from device.model.graph_checks import unfamiliar
from device.model.operator_names import OPERATOR_NAMES
from device.model.tflite_file import read_tflite

DEVICE = Path(sys.executable).with_name("device")
SAME, VALID = 0, 1


def kernel_options(graph, **changed):
    given = {"padding": SAME, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    return graph.options("Conv2D", **{**given, **changed})


def convolved(graph, weights=None, bias=None, shape=(1, 8, 8, 4), **changed):
    weights = graph.floats((4, 3, 3, 3)) if weights is None else weights
    bias = graph.floats((4,)) if bias is None else bias
    return graph.add("CONV_2D", [graph.image, weights, bias], shape, kernel_options(graph, **changed))


def quantized(graph, scale=0.5, zero_point=0, dtype="int8", scales=None, zero_points=None):
    scales = [scale] if scales is None else scales
    zero_points = [zero_point] if zero_points is None else zero_points
    return graph.add("QUANTIZE", [graph.image], IMAGE, dtype=dtype, scales=scales, zero_points=zero_points)


def dequantized(graph, *args, **kwargs):
    return graph.add("DEQUANTIZE", [quantized(graph, *args, **kwargs)], IMAGE)


def int8_convolution(graph, scales=(0.1,), zero_points=(0,), axis=0, scale=0.5, out_scale=0.5, constant=True):
    weights = graph.weights((4, 3, 3, 3), "int8", scales, zero_points, axis)
    if not constant:
        weights = graph.add(
            "QUANTIZE",
            [graph.floats((4, 3, 3, 3))],
            (4, 3, 3, 3),
            dtype="int8",
            scales=[0.1],
            zero_points=[0],
        )
    bias = graph.tensor((4,), "int32", np.zeros(4, np.int32), [0.05] * len(scales), [0] * len(scales))
    out = graph.add(
        "CONV_2D", [quantized(graph, scale), weights, bias], (1, 8, 8, 4), kernel_options(graph),
        dtype="int8", scales=[out_scale], zero_points=[0],
    )  # fmt: skip
    return graph.add("DEQUANTIZE", [out], (1, 8, 8, 4))


def pooled(graph, shape=(1, 4, 4, 3), **changed):
    given = {"padding": VALID, "strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    return graph.add("MAX_POOL_2D", [graph.image], shape, graph.options("Pool2D", **{**given, **changed}))


def moved(graph, name, values, shape=IMAGE, options=None):
    return graph.add(name, [graph.image, graph.ints(values)], shape, options)


def split(graph, parts=2, axis=1, outputs=2, shape=(1, 4, 8, 3)):
    outs = [graph.tensor(shape) for _ in range(outputs)]
    graph.operator("SPLIT", [graph.ints(axis), graph.image], outs, graph.options("Split", numSplits=parts))
    return outs[0]


def resized(graph, size=(16, 16), shape=(1, 16, 16, 3), **options):
    return moved(graph, "RESIZE_BILINEAR", size, shape, graph.options("ResizeBilinear", **options))


def sliced(graph, begin=(0, 1, 1, 0), end=(1, 7, 7, 3), strides=(1, 1, 1, 1), shape=(1, 6, 6, 3), **masks):
    places = [graph.ints(values) for values in (begin, end, strides)]
    return graph.add("STRIDED_SLICE", [graph.image, *places], shape, graph.options("StridedSlice", **masks))


def joined(graph, axis=3, shape=(1, 8, 8, 6), fused=0):
    options = graph.options("Concatenation", axis=axis, fusedActivationFunction=fused)
    return graph.add("CONCATENATION", [graph.image, graph.image], shape, options)


def depthwise(graph, multiplier=1, shape=(1, 8, 8, 3), **changed):
    given = {"padding": SAME, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    options = graph.options("DepthwiseConv2D", depthMultiplier=multiplier, **{**given, **changed})
    kernel = graph.floats((1, 3, 3, 3))
    return graph.add("DEPTHWISE_CONV_2D", [graph.image, kernel, graph.floats((3,))], shape, options)


def enlarged(graph, wanted=(1, 16, 16, 4), shape=(1, 16, 16, 4), stride=2):
    options = graph.options("TransposeConv", padding=SAME, strideW=stride, strideH=stride)
    kernel = graph.floats((4, 3, 3, 3))
    return graph.add("TRANSPOSE_CONV", [graph.ints(wanted), kernel, graph.image], shape, options)


UNDERSTOOD = {
    "conv": convolved,
    "conv with stride": lambda g: convolved(g, shape=(1, 4, 4, 4), strideW=2, strideH=2),
    "conv without padding": lambda g: convolved(g, shape=(1, 6, 6, 4), padding=VALID),
    "conv dilated": lambda g: convolved(g, dilationWFactor=2, dilationHFactor=2),
    "conv int8": int8_convolution,
    "conv int8 a scale a channel": lambda g: int8_convolution(g, [0.1] * 4, [0] * 4),
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
    model = model_of(graph.classifier(UNDERSTOOD[name](graph)), Path("a.tflite"), LABELS)
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


def gather(graph, places):
    return graph.add(
        "GATHER", [graph.image, graph.ints(places)], (1, 8, 8, 3), graph.options("Gather", axis=1)
    )


def of_rank(graph, rank):
    shape = (1,) * (rank - 4) + IMAGE
    return graph.add("RESHAPE", [graph.image, graph.ints(shape)], shape)


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
        assert model_of(data, Path("a.tflite"), LABELS).confined_because is None
        return
    with pytest.raises(EdgeError, match=said):
        model_of(data, Path("a.tflite"), LABELS)


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
    model = model_of(graph.classifier(twice), Path("a.tflite"), LABELS)
    with pytest.raises(EdgeError, match="puts out numbers that are not finite"):
        model.predict(np.full((1, 8, 8), 200, np.uint8))
