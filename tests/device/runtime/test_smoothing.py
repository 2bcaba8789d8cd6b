"""Averaged scores, and labels that stay."""

import numpy as np

from device.runtime.smoothing import HOLD_S, LEAD, OUTDATED_S, ScoreSmoother

RATE = 30


def shown_labels(scores, time_constant_s: float = 0.4) -> list[int]:
    smoother, shown = ScoreSmoother(time_constant_s), []
    for number, one in enumerate(scores):
        mean = smoother.smooth(1, np.array(one), number / RATE)
        shown.append(smoother.calm_label(1, mean, number / RATE))
    return shown


def runs(labels: list[int]) -> list[int]:
    """How many frames each shown label lasted, but for the last one."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1)]
    return np.diff(edges).tolist()


def test_no_label_is_shown_for_less_than_the_hold():
    rng = np.random.default_rng(0)
    noisy = np.clip([0.5, 0.5] + np.cumsum(rng.normal(0, 0.12, (2000, 1)) * [1, -1], axis=0) * 0.8 % 1, 0, 1)
    labels = shown_labels(noisy)
    assert len(runs(labels)) > 10
    assert min(runs(labels)[1:]) >= HOLD_S * RATE - 1e-6  # the first is of a single frame


def test_a_label_that_leads_by_little_is_shown_once_it_has_led_for_a_second():
    little = [[0.5 - 0.4 * LEAD, 0.5 + 0.4 * LEAD]]
    labels = shown_labels([[0.52, 0.48]] * 60 + little * 120)
    assert OUTDATED_S * RATE <= labels.index(1) - 60 < 2 * OUTDATED_S * RATE
    assert set(labels[: labels.index(1)]) == {0}
    assert set(labels[labels.index(1) :]) == {1}
    now_and_then = ([[0.52, 0.48]] * 20 + little * 20) * 6  # never for a second
    assert set(shown_labels(now_and_then, 0.01)) == {0}
    clear = [[0.52, 0.48]] * 60 + [[0.5 - LEAD, 0.5 + LEAD]] * 120
    assert shown_labels(clear)[-1] == 1


def test_a_slip_in_the_first_frame_does_not_stay():
    labels = shown_labels([[0.26, 0.25]] + [[0.23, 0.28]] * 90)
    assert labels[0] == 0
    assert set(labels[int((OUTDATED_S + 0.1) * RATE) :]) == {1}
    clear = shown_labels([[0.6, 0.4]] + [[0.1, 0.9]] * 30)
    assert 1 in clear[: int(HOLD_S * RATE)]


def test_a_clear_change_is_shown_within_a_second():
    labels = shown_labels([[0.9, 0.1]] * 60 + [[0.1, 0.9]] * 60)
    assert 60 < labels.index(1) < 60 + RATE


def test_without_smoothing_the_label_is_the_frames_own():
    scores = [[0.9, 0.1], [0.1, 0.9]] * 10
    assert shown_labels(scores, 0.0) == [0, 1] * 10


def test_faces_do_not_mix_and_the_last_scores_are_kept():
    smoother = ScoreSmoother(0.4)
    assert smoother.last(1) is None
    for number in range(30):
        for face_id, scores in ((1, [0.9, 0.1]), (2, [0.1, 0.9])):
            mean = smoother.smooth(face_id, np.array(scores), number / RATE)
            assert smoother.calm_label(face_id, mean, number / RATE) == face_id - 1
    assert smoother.last(2).argmax() == 1
