"""Whether files of others put out probabilities or logits: by the last operator, else by what they answer."""

import numpy as np
import pytest
from graphs import LABELS, Graph

from device.model.expression_model import load_model

pytest.importorskip("ai_edge_litert")
RNG = np.random.default_rng(0)
KERNEL = RNG.normal(0, 20, (7, 3)).astype(np.float32)
BIAS = RNG.normal(0, 1, 7).astype(np.float32)
CROPS = RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
ROW = (1, 7)


def logits_of(graph, rows=slice(None)):
    """Add a dense layer on the mean of the picture, ``rows`` of KERNEL."""
    kernel, bias = KERNEL[rows], BIAS[rows]
    mean = graph.add("MEAN", [graph.image, graph.ints([1, 2])], (1, 3), graph.options("Reducer"))
    inputs = [mean, graph.tensor(kernel.shape, data=kernel), graph.tensor(bias.shape, data=bias)]
    return graph.add("FULLY_CONNECTED", inputs, (1, len(kernel)), graph.options("FullyConnected"))


def softmax_of(graph):
    return graph.add("SOFTMAX", [logits_of(graph)], ROW, graph.options("Softmax", beta=1.0))


def mean_of_two(graph):
    both = graph.add("ADD", [softmax_of(graph), softmax_of(graph)], ROW, graph.options("Add"))
    return graph.add("MUL", [both, graph.floats((1,), 0.5)], ROW, graph.options("Mul"))


def gathered(graph):
    turned = graph.ints(np.arange(7)[::-1])
    return graph.add("GATHER", [softmax_of(graph), turned], ROW, graph.options("Gather", axis=1))


def clipped(graph):
    return graph.add("MINIMUM", [softmax_of(graph), graph.floats((1,), 0.999)], ROW)


def joined_sigmoids(graph):
    parts = [
        graph.add("LOGISTIC", [logits_of(graph, rows)], (1, count))
        for rows, count in ((slice(3), 3), (slice(3, 7), 4))
    ]
    return graph.add("CONCATENATION", parts, ROW, graph.options("Concatenation", axis=1))


def doubled_logits(graph):
    return graph.add("MUL", [logits_of(graph), graph.floats((1,), 2.0)], ROW, graph.options("Mul"))


def log_softmax(graph):
    return graph.add("LOG_SOFTMAX", [logits_of(graph)], ROW, graph.options("LogSoftmax"))


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


ENDS = {
    mean_of_two: softmax,
    gathered: lambda logits: softmax(logits)[:, ::-1],
    clipped: lambda logits: np.minimum(softmax(logits), 0.999),
    joined_sigmoids: lambda logits: 1 / (1 + np.exp(-logits)),
    doubled_logits: lambda logits: softmax(2 * logits),
    log_softmax: softmax,
    logits_of: softmax,
    softmax_of: softmax,
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_no_softmax_is_added_to_probabilities_nor_left_out_of_logits(end, tmp_path):
    graph = Graph()
    path = tmp_path / "other.tflite"
    path.write_bytes(graph.file(end(graph)))
    logits = CROPS.mean(axis=(1, 2)) / 255 @ KERNEL.T + BIAS
    model = load_model(path, LABELS, pixel_range="0..1")
    assert model.pixel_range == "0..1"
    np.testing.assert_allclose(model.predict(CROPS), ENDS[end](logits), atol=1e-4)


@pytest.mark.parametrize(
    ("end", "dtype", "scale", "zero_point"),
    [
        (mean_of_two, "int8", 1 / 256, -128),
        (mean_of_two, "uint8", 1 / 256, 0),
        (joined_sigmoids, "int16", 1 / 32768, 0),
        (doubled_logits, "int8", 0.5, 0),
        (doubled_logits, "int16", 1 / 256, 0),
    ],
)
def test_the_span_of_an_integer_output_tells(end, dtype, scale, zero_point, tmp_path):
    graph = Graph()
    stored = {"scales": [scale], "zero_points": [zero_point]}
    path = tmp_path / "other.tflite"
    path.write_bytes(graph.file(graph.add("QUANTIZE", [end(graph)], ROW, dtype=dtype, **stored)))
    logits = CROPS.mean(axis=(1, 2)) / 255 @ KERNEL.T + BIAS
    found = load_model(path, LABELS, pixel_range="0..1").predict(CROPS)
    np.testing.assert_allclose(found, ENDS[end](logits), atol=0.15 if scale == 0.5 else 0.01)
