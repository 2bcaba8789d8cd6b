"""LiteRT in this process: files that its fastest kernels do not take."""

from pathlib import Path

import numpy as np
import pytest

litert = pytest.importorskip("ai_edge_litert.interpreter")

from graphs import LABELS, Graph

from device.model.expression_model import ExpressionModel

SCALE, ZERO_POINT, GAIN = 1 / 255, -128, 300  # XNNPACK convolves with a gain of up to 256
READOUT = np.arange(21, dtype=np.float32).reshape(7, 3)


def a_convolution_of_much_gain() -> bytes:
    """int8: three channels of a picture, each number above 0 at the end of its range, their means, seven logits."""
    graph = Graph(dtype="int8", scale=SCALE, zero_point=ZERO_POINT)
    weights = graph.tensor((3, 1, 1, 3), "int8", np.eye(3, dtype=np.int8), [1.0], [0])
    biases = graph.tensor((3,), "int32", np.zeros(3, np.int32), [SCALE], [0])
    options = graph.options("Conv2D", strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
    quantized = {"dtype": "int8", "scales": [SCALE / GAIN], "zero_points": [0]}
    loud = graph.add("CONV_2D", [graph.image, weights, biases], (1, 8, 8, 3), options, **quantized)
    floats = graph.add("DEQUANTIZE", [loud], (1, 8, 8, 3))
    means = graph.add("MEAN", [floats, graph.ints([1, 2])], (1, 3), graph.options("Reducer", keepDims=False))
    readout = graph.tensor((7, 3), "float32", READOUT * GAIN)
    return graph.file(
        graph.add("FULLY_CONNECTED", [means, readout, -1], (1, 7), graph.options("FullyConnected"))
    )


def test_what_the_fastest_kernels_refuse_the_others_run():
    data = a_convolution_of_much_gain()
    with pytest.raises(RuntimeError, match="XNNPACK"):
        litert.Interpreter(model_content=data).allocate_tensors()
    picture = np.random.default_rng(0).integers(0, 2, (1, 8, 8, 3), np.uint8)
    logits = (127 * SCALE * picture).mean(axis=(1, 2)) @ READOUT.T
    powers = np.exp(logits - logits.max())
    answer = ExpressionModel(data, Path("m.tflite"), LABELS, pixel_range="0..1").predict(picture)
    np.testing.assert_allclose(answer, powers / powers.sum(), atol=1e-4)
