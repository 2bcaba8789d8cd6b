"""Ranges that several operators share, and those of sums that are nothing beside their summands."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="quantizing needs the [toolkit] extra")

from graphs import Graph

from device.model.expression_model import ExpressionModel
from toolkit.models.tflite_object import unpacked
from toolkit.quantization.conversion.range_rules import share_ranges, widen_sums
from toolkit.quantization.conversion.recipe import recipe_named

from ..conftest import CLASSES, conversion

pytestmark = pytest.mark.toolkit


def spatial_attention(x):
    """CBAM's second half: where to look, by the mean and the greatest of all channels."""
    told = [keras.ops.mean(x, -1, keepdims=True), keras.ops.max(x, -1, keepdims=True)]
    where = keras.layers.Conv2D(1, 7, padding="same", activation="sigmoid")
    return x * where(keras.layers.Concatenate()(told))


def shuffled_halves(x):
    """A unit of ShuffleNet: one half, here the louder one, is convolved, the other goes on as it is."""
    one, other = keras.ops.split(x * np.repeat(np.float32([1, 0.3]), 8), 2, -1)
    return keras.layers.Concatenate()([other, keras.layers.Conv2D(8, 1)(0.5 * one)])


NETWORKS = {
    "leaky by maximum": lambda x: keras.ops.maximum(x, 0.1 * x),
    "leaky by where": lambda x: keras.ops.where(x > 0, x, 0.1 * x),
    "both sides of a bend": lambda x: keras.ops.maximum(x, -0.1) + 0.3 * x,
    "celu": lambda x: keras.activations.celu(x),
    "spatial attention": spatial_attention,
    "channel shuffle": shuffled_halves,
    "flipped": lambda x: 3 * keras.ops.minimum(keras.ops.flip(x, 2), 0.02),
    "a sum that is never above 0": lambda x: x + keras.ops.relu(x - 100.0),
    "a sum with a layer that is never above 0": lambda x: (
        x
        + keras.ops.relu(
            x + keras.layers.Conv2D(16, 1, bias_initializer=keras.initializers.Constant(-100.0))(x)
        )
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_int8_answers_as_float_does(name, tmp_path, faces):
    made = conversion(tmp_path / "m.keras", faces, NETWORKS[name], ridge=1e-2)
    quantized = ExpressionModel(made.to(recipe_named("int8")), Path("m.tflite"), CLASSES)
    asked = faces.select(slice(300, 500))
    expected, got = made.network.predict(asked.images), quantized.predict(asked.images)
    assert (expected.argmax(axis=1) == asked.labels).mean() > 0.85
    assert (expected.argmax(axis=1) == got.argmax(axis=1)).mean() > 0.94
    assert np.abs(expected - got).mean() < 0.02


def calibrated(graph: Graph, ranges: dict[int, tuple[float, float]], *outputs: int):
    """The unpacked model with ``ranges``."""
    model = unpacked(graph.file(*outputs))
    for index, (least, greatest) in ranges.items():
        one = model.subgraphs[0].tensors[index].quantization = graph.schema.QuantizationParametersT()
        one.min, one.max = [least], [greatest]
    return model


def ranges_of(model, *indices: int):
    found = [model.subgraphs[0].tensors[index].quantization for index in indices]
    return [(one.min[0], one.max[0]) for one in found]


def test_what_others_read_too_gives_its_range_and_a_straight_line_keeps_its_own():
    for others in (False, True):
        graph = Graph((1, 4))
        least = graph.add("MINIMUM", [graph.image, graph.floats((1,), 1.0)], (1, 4))
        both = graph.add("MAXIMUM", [least, graph.floats((1,), 0.0)], (1, 4))
        outputs = [both] + ([graph.add("EXP", [graph.image], (1, 4))] if others else [])
        model = calibrated(graph, {graph.image: (-9, 9), least: (-9, 1), both: (0, 1)}, *outputs)
        share_ranges(model)
        assert ranges_of(model, graph.image, least, both) == (
            [(-9, 9)] * 3 if others else [(-9, 9), (-9, 1), (0, 1)]
        )


def test_both_parts_of_a_split_have_the_range_of_both_and_a_sum_has_its_own():
    graph = Graph((1, 4))
    one, other = graph.tensor((1, 2)), graph.tensor((1, 2))
    split = graph.options("Split", numSplits=2)
    graph.operator("SPLIT", [graph.ints(1), graph.image], [one, other], split)
    total = graph.add("ADD", [one, other], (1, 2), graph.options("Add"))
    model = calibrated(graph, {graph.image: (-2, 3), one: (-2, 1), other: (0, 3), total: (-2, 4)}, total)
    share_ranges(model)
    assert ranges_of(model, graph.image, one, other, total) == [(-2, 3)] * 3 + [(-2, 4)]


def test_a_sum_has_at_least_a_64th_of_the_range_of_its_summands():
    graph = Graph((1, 4))
    far = graph.add("SUB", [graph.image, graph.floats((1,), 640.0)], (1, 4), graph.options("Sub"))
    total = graph.add("ADD", [graph.image, far], (1, 4), graph.options("Add"))
    model = calibrated(graph, {graph.image: (0, 8), far: (-640, -632), total: (0, 0)}, total)
    assert widen_sums(model)
    assert ranges_of(model, graph.image, far, total) == [(0, 8), (-640, -632), (0, 10)]
    assert not widen_sums(model)
