"""Metrics against values worked out by hand or by an independent formula."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.results.decode import decode
from toolkit.results.metrics import EvaluationReport, evaluate_predictions, wilson_interval

CLASSES = ("happy", "sad", "neutral")
# Six faces: rows are probabilities; the true classes are 0 0 0 1 1 2.
PROBABILITIES = np.array(
    [[0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.4, 0.35, 0.25]]
)
LABELS = np.array([0, 0, 0, 1, 1, 2])


@pytest.fixture
def report() -> EvaluationReport:
    return evaluate_predictions(PROBABILITIES, LABELS, CLASSES)


def test_accuracy_and_confusion_by_hand(report):
    assert report.n == 6
    assert report.correct_n == 3
    assert report.accuracy == 0.5
    assert report.confusion == ((2, 1, 0), (1, 1, 0), (1, 0, 0))
    assert report.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_per_class_by_hand(report):
    happy, neutral = report.per_class["happy"], report.per_class["neutral"]
    assert (happy.n, happy.predicted_n) == (3, 4)
    assert happy.precision == 0.5
    assert happy.recall == pytest.approx(2 / 3)
    assert happy.f1 == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))
    assert neutral.precision is None  # never named
    assert neutral.recall == 0
    assert neutral.f1 == 0
    assert report.macro_f1 == pytest.approx((4 / 7 + 0.5 + 0) / 3)


def test_calibration_error_by_hand(report):
    # Top probabilities .9 .6 .7 .8 .5 .4, right: yes yes no yes no no; in 15 bins each stands alone.
    gaps = [abs(1 - 0.9), abs(1 - 0.6), 0.7, abs(1 - 0.8), 0.5, 0.4]
    assert report.expected_calibration_error == pytest.approx(sum(gaps) / 6)
    assert sum(entry.n for entry in report.calibration) == 6
    assert report.log_loss == pytest.approx(-np.mean(np.log([0.9, 0.6, 0.2, 0.8, 0.3, 0.25])))


def test_a_probability_on_a_bin_edge_belongs_to_the_bin_below():
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [1.0, 0.0]])
    bins = evaluate_predictions(probabilities, np.array([0, 1, 0]), ("a", "b")).calibration
    assert [(round(b.lower, 3), b.n) for b in bins if b.n] == [(0.533, 2), (0.933, 1)]


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (1, 7), (2378, 3589)])
def test_wilson_bounds_solve_the_score_equation(k, n):
    # The bounds are the ratios p at which (k/n - p)^2 = z^2 p (1 - p) / n.
    low, high = wilson_interval(k, n)
    z = 1.959963984540054
    for bound in (low, high):
        if 0 < bound < 1:
            assert (k / n - bound) ** 2 == pytest.approx(z * z * bound * (1 - bound) / n, rel=1e-9)
    assert 0 <= low <= k / n <= high <= 1


def test_wilson_agrees_with_a_published_value():
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_class_without_faces_is_undefined_and_not_averaged():
    report = evaluate_predictions(np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), np.array([0, 1]), CLASSES)
    assert report.per_class["neutral"].recall is None
    assert report.per_class["neutral"].interval is None
    assert report.balanced_accuracy == 1.0


def test_report_survives_json(report):
    again = decode(EvaluationReport, json.loads(json.dumps(asdict(report))))
    assert again == report


@pytest.mark.parametrize(
    ("probabilities", "labels", "words"),
    [
        (np.zeros((0, 3)), np.zeros(0), "no face"),
        (np.full((2, 3), math.nan), np.array([0, 1]), "NaN"),
        (np.full((2, 2), 0.5), np.array([0, 1]), "(N, 3)"),
        (np.full((2, 3), 0.3), np.array([0, 3]), "a label is 3"),
        (np.full((2, 3), 0.3), np.array([2, -1]), "a label is -1"),
        (np.full((2, 3), 0.3), np.array([0]), "do not belong"),
    ],
)
def test_bad_predictions_are_refused(probabilities, labels, words):
    with pytest.raises(EdgeError) as caught:
        evaluate_predictions(probabilities, labels, CLASSES)
    assert words in str(caught.value)
