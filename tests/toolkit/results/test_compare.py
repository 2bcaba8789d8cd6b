"""The paired comparison against values worked out by hand."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.results.compare import PairedComparison, compare_predictions, mcnemar_exact, paired_interval
from toolkit.results.decode import decode


def one_hot(named: list[int], classes: int = 3) -> np.ndarray:
    return np.eye(classes)[named]


def test_flips_by_hand():
    labels = np.array([0, 0, 1, 1, 2, 2])
    before, after = one_hot([0, 0, 1, 0, 0, 2]), one_hot([0, 1, 1, 1, 1, 2])
    paired = compare_predictions(before, after, labels)
    assert (paired.flips_to_wrong, paired.flips_to_right, paired.flips_wrong_to_wrong) == (1, 1, 1)
    assert paired.top1_agreement == 0.5
    assert paired.float_accuracy == paired.quantized_accuracy == pytest.approx(4 / 6)
    assert paired.drop_points == 0
    assert [flip.row for flip in paired.flips] == [1, 3, 4]
    assert (paired.flips[2].label, paired.flips[2].float_class, paired.flips[2].quantized_class) == (2, 0, 1)


def test_drop_is_positive_for_a_loss():
    paired = compare_predictions(one_hot([0] * 10), one_hot([0] * 9 + [1]), np.zeros(10, int))
    assert paired.drop_points == pytest.approx(10.0)
    assert paired.drop_interval[0] < 10 < paired.drop_interval[1]


def test_mcnemar_is_the_binomial_test():
    # 1 against 9: P(X <= 1) + P(X >= 9) for X of 10 fair coins = 2 * (1 + 10) / 1024.
    assert mcnemar_exact(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar_exact(9, 1) == mcnemar_exact(1, 9)
    assert mcnemar_exact(5, 5) == 1.0
    assert mcnemar_exact(0, 0) == 1.0
    assert 0 <= mcnemar_exact(1500, 1800) < 1e-6


def test_interval_is_agresti_and_min():
    # 3 lost and 11 won of 3589: d = (3.5 - 11.5) / 3591, variance ((15) - 64 / 3591) / 3591^2.
    low, high = paired_interval(3, 11, 3589)
    half = 1.959963984540054 * math.sqrt(15 - 64 / 3591) / 3591
    assert (low, high) == pytest.approx((-8 / 3591 - half, -8 / 3591 + half))


def test_interval_covers_the_true_drop_as_often_as_it_says():
    rng = np.random.default_rng(5)
    n, lose, win, covered = 2000, 0.006, 0.004, 0
    for _ in range(400):
        lost, won, _ = rng.multinomial(n, [lose, win, 1 - lose - win])
        low, high = paired_interval(int(lost), int(won), n)
        covered += low <= lose - win <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_no_flip_still_has_a_width():
    paired = compare_predictions(one_hot([0, 1]), one_hot([0, 1]), np.array([0, 1]))
    assert paired.drop_interval[0] < 0 < paired.drop_interval[1]
    assert paired.flips == ()


def test_survives_json():
    paired = compare_predictions(one_hot([0, 1, 2]), one_hot([0, 2, 2]), np.array([0, 1, 2]))
    assert decode(PairedComparison, json.loads(json.dumps(asdict(paired)))) == paired


def test_shapes_that_differ_are_refused():
    with pytest.raises(EdgeError, match="different shapes"):
        compare_predictions(np.full((2, 3), 1 / 3), np.full((2, 4), 1 / 4), np.array([0, 1]))


def test_a_flip_tells_both_answers_to_four_digits():
    first = np.array([[0.123456, 0.876544], [0.5, 0.5]])
    second = np.array([[0.765432, 0.234568], [0.5, 0.5]])
    (flip,) = compare_predictions(first, second, np.array([1, 0])).flips
    assert (flip.row, flip.label, flip.float_class, flip.quantized_class) == (0, 1, 1, 0)
    assert (flip.float_probability, flip.quantized_probability) == (0.8765, 0.7654)
