"""Which model is taken, the plain words for it, and that quantize and report take the same."""

import dataclasses

import numpy as np
import pytest

from device.runtime.benchmark import LatencyRatio
from toolkit.quantization.recipe_table import RecipeRow, recommended
from toolkit.results.decision import Candidate, decide
from toolkit.results.metrics import evaluate_predictions
from toolkit.results.selection import select
from toolkit.results.types import DataIdentity, Evaluation, Latency, ModelIdentity, ModelResults, Results

pytestmark = pytest.mark.toolkit
FLOAT = Candidate("float32", "float32", 2_000_000, 70.0, 1.0)


def one(recipe, kb=500, p50_ms=1.0, score=70.0):
    return Candidate(recipe, recipe, 1000 * kb, score, p50_ms)


def test_int8_is_taken_where_it_is_about_the_fastest_and_loses_little():
    decision = decide(
        [FLOAT, one("dynamic", 500, 0.26), one("int8", 500, 0.28, 69.9), one("int16x8", 520, 30)]
    )
    assert decision.reasons == (
        "Take int8: 4.0 times smaller and 3.6 times faster, −0.10 points, against float32.",
        "Not float32: it is 3.6 times slower than int8.",
        "Not dynamic: as fast here, but its float arithmetic keeps it off int8 accelerators and slows it on small "
        "cores.",
        "Not int16x8: it is 107 times slower than int8: no fast kernels exist for it.",
    )


def test_one_that_loses_too_much_is_not_taken_however_fast():
    decision = decide([FLOAT, one("int8", 500, 0.2, 67.0), one("int8-mixed", 800, 0.4, 69.7)])
    assert decision.choice == "int8-mixed"
    assert "Not int8: it loses 3.00 points against the best, more than 0.5." in decision.reasons


def test_the_slower_one_is_taken_where_the_faster_ones_lose_too_much():
    decision = decide([one("small", 900, 0.2, 67.5), one("best", 1000, 1.0, 69.8)])
    assert decision.reasons[0] == (
        "Take best: what is faster loses more than 0.5 points; 1.1 times larger and 5.0 times slower, +2.30 points, "
        "against small."
    )


def test_layers_in_float_are_not_wanted_where_int8_is_good_enough_without():
    decision = decide([FLOAT, one("int8", 500, 0.25, 69.9), one("int8-mixed", 520, 0.26, 70.0)])
    assert decision.choice == "int8"
    assert "Not int8-mixed: int8 is good enough without layers in float." in decision.reasons


def test_where_int8_is_slower_than_float_the_float_stays():
    decision = decide([FLOAT, one("int8", 500, 2.0), one("dynamic", 500, 1.9)])
    assert decision.reasons[0] == "Take float32: no other that loses at most 0.5 points is faster."


def test_int8_that_is_a_little_slower_than_float_is_not_called_the_fastest():
    decision = decide([one("int8", 500, 1.09), dataclasses.replace(FLOAT, score=69.9)])
    assert decision.choice == "int8"
    assert decision.reasons[0] == "Take int8: no other that loses at most 0.5 points is much faster."


def test_where_all_lose_too_much_the_float_stays():
    decision = decide([FLOAT, one("int8", 500, 0.2, 67.0)])
    assert decision.reasons[0] == "Take float32: every other loses more than 0.5 points."


def test_without_times_int8_comes_first_then_the_smallest():
    untimed = [
        dataclasses.replace(each, p50_ms=None) for each in (FLOAT, one("float16", 900), one("int8", 1000))
    ]
    assert decide(untimed).choice == "int8"
    assert decide(untimed[:2]).choice == "float16"


def test_what_was_not_timed_is_not_taken_where_others_were():
    decision = decide([FLOAT, dataclasses.replace(one("int8"), p50_ms=None)])
    assert decision.choice == "float32"
    assert decision.reasons[1] == "Not int8: it was not timed beside the others."


@pytest.mark.parametrize(
    "figures",
    [
        [("float32", 3000, 1.0, 7000), ("dynamic", 900, 0.24, 7001), ("int8", 950, 0.25, 6990)],
        [("float32", 3000, 1.0, 7000), ("dynamic", 900, 0.20, 6999), ("int8", 950, 0.40, 7010)],
        [("float32", 3000, 1.0, 7000), ("int8", 900, 0.20, 6500), ("int8-mixed", 1200, 0.5, 6980)],
        [("float32", 3000, 1.0, 7000), ("float16", 1500, 1.0, 7000), ("int8", 900, 3.0, 7000)],
    ],
)
def test_quantize_and_report_say_the_same_of_the_same_figures(figures):
    n = 10_000
    rows = [
        RecipeRow(
            recipe,
            size,
            ms,
            LatencyRatio(ms, ms, ms),
            right / n,
            (figures[0][3] - right) / n * 100,
            None,
            0.99,
            n,
            (),
        )
        for recipe, size, ms, right in figures
    ]
    entries = []
    for recipe, size, ms, right in figures:
        labels = np.zeros(n, int)
        report = evaluate_predictions(np.eye(2)[[0] * right + [1] * (n - right)], labels, ("a", "b"))
        data = DataIdentity("faces", "test", n, ("a", "b"), "digest", False)
        stats = dict.fromkeys(("mean_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms"), ms) | {"n": 500}
        model = ModelIdentity(recipe, recipe, "tflite", size, ("a", "b"), recipe)
        latency = Latency("host", "measured", {"classify": stats})
        entries.append(ModelResults(model, (Evaluation(data, report),), latencies=(latency,)))
    said, selection = recommended(rows), select(Results(tuple(entries)))
    assert selection.choice.name == said.choice
    assert selection.reasons == said.reasons
