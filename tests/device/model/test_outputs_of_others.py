"""Whether files of others put out probabilities or logits: by the last operator, else by what they answer; and which of
several outputs is read."""

import numpy as np
import pytest
from graphs import LABELS, Graph

from device.errors import EdgeError
from device.model.description import describe, description_lines
from device.model.expression_model import load_model
from device.service.model_store import install_model

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


def with_heads(path, *counts, end=None):
    """Write logits of KERNEL's first rows, as many as each of ``counts``, between an age and what ``end`` gives."""
    graph = Graph()
    age = graph.add("TANH", [logits_of(graph, slice(1))], (1, 1))
    heads = [logits_of(graph, rows) for rows in (slice(count) for count in counts)]
    path.write_bytes(graph.file(age, *heads, *([end(graph)] if end else [])))
    return path


@pytest.mark.parametrize(("counts", "end"), [((3, 7), None), ((3,), gathered)], ids=["here", "apart"])
@pytest.mark.parametrize("count", [3, 7])
def test_of_several_outputs_the_one_with_a_number_a_label_is_read(count, counts, end, tmp_path):
    path = with_heads(tmp_path / "heads.tflite", *counts, end=end)
    model = load_model(path, LABELS[:count], pixel_range="0..1")
    assert bool(model.confined_because) == (end is gathered)
    logits = CROPS.mean(axis=(1, 2)) / 255 @ KERNEL.T + BIAS
    expected = ENDS[gathered](logits) if end and count == 7 else softmax(logits[:, :count])
    np.testing.assert_allclose(model.predict(CROPS), expected, atol=1e-4)


def test_which_output_is_read_is_said_where_no_labels_tell(tmp_path):
    path = with_heads(tmp_path / "heads.tflite", 3, 7)
    lines = "\n".join(description_lines(describe(load_model(path, allow_unlabelled=True))))
    assert "of its outputs of 1, 3, 7 numbers the labels tell which is read" in lines
    with pytest.raises(EdgeError, match=r"3 outputs, of 1, 3, 7 numbers; .* received 4; pass `labels`"):
        load_model(path, LABELS[:4])
    with pytest.raises(EdgeError, match="received 7; convert it with the one of the expressions alone"):
        load_model(with_heads(tmp_path / "alike.tflite", 7, 7), LABELS)
    with pytest.raises(EdgeError, match="names its 1 or 3 or 7 outputs itself"):
        install_model(path)


def test_which_of_several_signatures_is_read_is_said(tmp_path):
    graph = Graph()
    logits = logits_of(graph, slice(3))
    for name, subgraph in (("classify", 1), ("embed", 0)):
        signature = graph.schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = name, subgraph
        graph.model.signatureDefs = [*(graph.model.signatureDefs or ()), signature]
    other = graph._subgraph()
    other.tensors, other.inputs, other.outputs = graph.graph.tensors[:1], [0], [0]
    graph.model.subgraphs.append(other)
    path = tmp_path / "both.tflite"
    path.write_bytes(graph.file(logits))
    lines = description_lines(describe(load_model(path, allow_unlabelled=True)))
    assert "  signatures      embed, which is read, classify" in lines
    with pytest.raises(
        EdgeError, match=r"3 outputs in its signature embed, .* \(for classify convert that one alone\)"
    ):
        load_model(path, LABELS)
