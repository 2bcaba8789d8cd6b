"""How much of its accuracy a model keeps on corrupted faces, as results hold it."""

from dataclasses import dataclass

import numpy as np

from toolkit.results.metrics import refuse_contradiction, refuse_no_interval, wilson_interval


@dataclass(frozen=True)
class CorruptedAccuracy:
    """One corruption at one strength. ``kept`` is the accuracy over that on the same faces uncorrupted; intervals at
    95 %: Wilson's of the accuracy."""

    corruption: str
    strength: str
    correct_n: int
    accuracy: float
    interval: tuple[float, float]
    kept: float

    def __post_init__(self) -> None:
        refuse_no_interval(self.interval, 0, 1)


@dataclass(frozen=True)
class Robustness:
    """A model on n faces under every corruption. ``mean_kept`` is the plain mean of all ``kept``.

    Its interval is the 95 % percentile bootstrap over faces (Efron 1979), all conditions of a face drawn together.
    """

    n: int
    seed: int
    clean_accuracy: float
    clean_interval: tuple[float, float]
    conditions: tuple[CorruptedAccuracy, ...]
    mean_kept: float
    mean_kept_interval: tuple[float, float]

    def __post_init__(self) -> None:
        refuse_no_interval(self.clean_interval, 0, 1)
        if self.n < 1 or not 0 < self.clean_accuracy <= 1 or not self.conditions:
            raise ValueError(f"an accuracy of {self.clean_accuracy:g} on {self.n} faces cannot be kept")
        for one in self.conditions:
            accuracy, interval = one.correct_n / self.n, wilson_interval(one.correct_n, self.n)
            counted = {"accuracy": accuracy, "interval": interval, "kept": accuracy / self.clean_accuracy}
            refuse_contradiction(vars(one), counted, f" under {one.corruption}, {one.strength}")
        refuse_contradiction(vars(self), {"mean_kept": float(np.mean([one.kept for one in self.conditions]))})

    def by_corruption(self) -> dict[str, list[CorruptedAccuracy]]:
        """Return the conditions of each corruption, from weak to strong."""
        found: dict[str, list[CorruptedAccuracy]] = {}
        for condition in self.conditions:
            found.setdefault(condition.corruption, []).append(condition)
        return found
