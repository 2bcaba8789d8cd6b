"""The mistakes that are kept: only wrong names, the most confident first."""

import numpy as np
import pytest

from toolkit.results.mistakes import MOST_KEPT, Mistake, worst_mistakes

pytestmark = pytest.mark.toolkit


def test_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    labels = np.array([0, 0, 0, 1])
    assert worst_mistakes(probabilities, labels) == (
        Mistake(1, 0, 1, 0.8), Mistake(2, 0, 1, 0.7), Mistake(3, 1, 0, 0.6)
    )  # fmt: skip


def test_of_many_only_the_worst_are_kept():
    confidence = np.linspace(0.5, 1, 100)
    kept = worst_mistakes(np.stack([confidence, 1 - confidence], axis=1), np.ones(100, int))
    assert len(kept) == MOST_KEPT
    assert kept[0].row == 99
