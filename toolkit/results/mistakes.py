"""The worst mistakes of a model: wrong names that it gave with the most confidence."""

from dataclasses import dataclass

import numpy as np

MOST_KEPT = 24


@dataclass(frozen=True)
class Mistake:
    """A face named wrong: its row in the data, two class indices, and the probability of the wrong name."""

    row: int
    label: int
    named: int
    probability: float


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray) -> tuple[Mistake, ...]:
    """Return at most MOST_KEPT mistakes, the most confident first; (N, C) probabilities for (N,) label indices."""
    named, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(named != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST_KEPT]
    return tuple(
        Mistake(int(row), int(labels[row]), int(named[row]), round(float(confidence[row]), 4))
        for row in worst
    )
