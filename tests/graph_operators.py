"""Operators as classifiers have them, added to a graph of tests/graphs.py."""

import numpy as np
from graphs import IMAGE

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


def binary(graph, name, scale, out_scale, dtype="int8"):
    image = quantized(graph, scale, dtype=dtype)
    options = graph.options(name.title()) if name in ("ADD", "SUB") else None
    out = graph.add(name, [image, image], IMAGE, options, dtype, scales=[out_scale], zero_points=[0])
    return graph.add("DEQUANTIZE", [out], IMAGE)


def int8_comparison(graph, scale):
    image = quantized(graph, scale)
    which = graph.add("GREATER", [image, image], IMAGE, dtype="bool", version=2)
    chosen = graph.add("SELECT", [which, image, image], IMAGE, dtype="int8", scales=[scale], zero_points=[0])
    return graph.add("DEQUANTIZE", [chosen], IMAGE)


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


def of_rank(graph, rank):
    shape = (1,) * (rank - 4) + IMAGE
    return graph.add("RESHAPE", [graph.image, graph.ints(shape)], shape)
