"""The charts of the report: each says in words what it draws, and draws it under the names that it says."""

import re

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from toolkit.charts.charts import (
    accuracy_against_latency,
    latency_distributions,
    reliability,
    size_and_memory,
    stage_latencies,
)
from toolkit.charts.class_chart import MOST_CLASSES, class_chart
from toolkit.charts.matrices import confusion, confusion_difference
from toolkit.charts.network_charts import layer_errors, learning_curves
from toolkit.results.metrics import evaluate_predictions
from toolkit.results.selection import Selection, select
from toolkit.results.types import DataIdentity, Evaluation, Latency, ModelIdentity, ModelResults, Results

pytestmark = pytest.mark.toolkit

CLASSES = ("happy", "sad")


def words_of(svg: str) -> str:
    """Return the text alternative of a chart."""
    return re.search(r"<desc[^>]*>([^<]*)</desc>", svg)[1]


def texts_of(svg: str) -> list[str]:
    """Return the texts that a chart shows, in its order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def report(right: int, wrong: int, confidence: float = 0.8):
    """Return the report about so many happy faces; as many sad ones are all named right."""
    happy = [[confidence, 1 - confidence]] * right + [[1 - confidence, confidence]] * wrong
    answers = np.array(happy + [[0.0, 1.0]] * (right + wrong))
    return evaluate_predictions(answers, np.repeat([0, 1], right + wrong), CLASSES)


def model(name: str, right: int, p50_ms: float, recipe: str | None = None) -> ModelResults:
    data = DataIdentity("faces", "test", 40, CLASSES, "f", False)
    stats = {f"{key}_ms": p50_ms for key in ("mean", "p50", "p90", "p99", "max")}
    extra = {"quantiles_ms": list(np.linspace(0.5, 1.5, 101) * p50_ms), "peak_memory_mb": 100 * p50_ms}
    latency = Latency("host", "measured", {"classify": {**stats, "n": 9, "warmup_n": 0}}, extra=extra)
    identity = ModelIdentity(name, name, name.rpartition(".")[2], 2048, CLASSES, recipe=recipe)
    return ModelResults(identity, (Evaluation(data, report(right, 20 - right)),), latencies=(latency,))


@pytest.fixture
def selection() -> Selection:
    return select(Results((model("big.keras", 18, 4.0), model("little.tflite", 16, 0.5, "int8"))))


def test_accuracy_against_latency_names_points_axes_and_front(selection):
    svg = accuracy_against_latency(selection)
    assert words_of(svg) == (
        "big.keras: 95.0 % at 4.00 ms; little.tflite: 90.0 % at 0.500 ms. Pareto front: little.tflite, big.keras."
    )
    assert {"big", "little", "Keras", "quantized TFLite", "accuracy, %"} <= set(texts_of(svg))
    assert "latency of one face, p50, ms (host)" in texts_of(svg)
    assert accuracy_against_latency(select(Results((ModelResults(selection.rows[0].entry.model),)))) is None


def test_a_better_and_slower_model_is_drawn_higher_and_further_right(selection):
    svg = accuracy_against_latency(selection)
    found = [
        re.search(rf'<text[^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>{name}</text>', svg)
        for name in ("big", "little")
    ]
    (big_x, big_y), (little_x, little_y) = (map(float, place.groups()) for place in found)
    assert big_x > little_x
    assert big_y < little_y  # y of an SVG goes downwards


def test_names_of_points_in_one_place_stand_below_one_another():
    svg = accuracy_against_latency(select(Results(tuple(model(f"{name}.keras", 18, 2.0) for name in "abc"))))
    heights = [float(re.search(rf'<text[^>]* y="([\d.]+)"[^>]*>{name}</text>', svg)[1]) for name in "abc"]
    assert min(np.diff(sorted(heights))) > 9  # the size of the letters


def test_latencies_and_sizes_are_told_by_model(selection):
    rows = list(selection.rows)
    assert words_of(latency_distributions(rows)) == "big.keras: p50 4.00 ms; little.tflite: p50 0.500 ms"
    assert words_of(size_and_memory(rows)) == "big.keras: 2 KiB, 400 MB; little.tflite: 2 KiB, 50 MB"
    assert {" 2", " 400", " 50", "file, KiB", "peak memory, MB"} <= set(texts_of(size_and_memory(rows)))


def test_stages_are_told_with_their_median_and_tail():
    stages = {
        "detect": {"p50_ms": 10.0, "p90_ms": 12.0, "p99_ms": 20.0},
        "classify": {"p50_ms": 0.5, "p90_ms": 0.6, "p99_ms": 1.0},
    }
    svg = stage_latencies(stages, "stages")
    assert words_of(svg) == "detect: p50 10.0, p99 20.0 ms; classify: p50 0.500, p99 1.00 ms"
    assert [text for text in texts_of(svg) if text in stages] == list(stages)


def test_reliability_tells_confidence_beside_accuracy():
    assert words_of(reliability([("one", "float", report(12, 8))], "r")) == (
        "one: expected calibration error 10.0 %, mean confidence 90.0 % at accuracy 80.0 %"
    )


def test_confusions_are_in_percent_of_a_true_class_and_differences_in_faces():
    before, after = report(12, 8), report(15, 5)
    svg = confusion(after, "c", "After")
    assert words_of(svg).endswith(
        "Right: happy 75 %, sad 100 %. Most frequent mistake: happy named sad, 25 %."
    )
    assert {"75", "25", "100"} <= set(texts_of(svg))
    svg = confusion_difference(before, after, "d", "Change")
    assert "3 faces moved, 2 cells are better" in words_of(svg)
    assert {"+3", "−3", "·"} <= set(texts_of(svg))


def test_layers_are_told_with_the_worst_first():
    layers = [
        {"name": "one", "damage": 0.001, "snr_db": 30.0},
        {"name": "two", "damage": 0.02, "snr_db": 12.0},
    ]
    svg = layer_errors(layers, "layers")
    assert words_of(svg) == "Worst: two. one: 0.1 points, 30 dB; two: 2 points, 12 dB"
    assert {"one", "two", " 30 dB", " 12 dB"} <= set(texts_of(svg))


def test_curves_are_told_by_their_last_epoch():
    history = {"accuracy": [0.2, 0.5, 0.9], "val_accuracy": [0.3, 0.4, 0.6]}
    svg = learning_curves(history, "curves")
    assert words_of(svg) == "training: 90.0 % after 3 epochs; validation: 60.0 % after 3 epochs"
    assert {"training", "validation"} <= set(texts_of(svg))
    assert learning_curves({"loss": [1.0]}, "curves") is None


def test_classes_are_counted_by_split_and_too_many_are_cut_off():
    counts = {"train": {"happy": 1200, "sad": 7}, "test": {"happy": 30, "sad": 2}}
    svg = class_chart(counts, CLASSES)
    assert words_of(svg) == "train: happy 1200, sad 7; test: happy 30, sad 2"
    assert {"happy", "sad", "train", "test", "1,200", "7", "30", "2"} <= set(texts_of(svg))
    many = tuple(f"class {number}" for number in range(MOST_CLASSES + 1))
    told = words_of(
        class_chart({"train": {"\udcff\n": 1}}, ("\udcff\n",))
    )  # of a folder whose name is no text
    assert r"\udcff\n" in told
    told = words_of(class_chart({"train": dict.fromkeys(many, 1)}, many))
    assert told.endswith(f"{many[-2]} 1")
