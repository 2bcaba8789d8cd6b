"""Two models on the same faces: what quantization changed, face by face."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from device.errors import EdgeError
from toolkit.results.metrics import Z_95, checked_predictions, refuse_contradiction, refuse_no_interval

MOST_FLIPS_KEPT = 500


@dataclass(frozen=True)
class Flip:
    """A face that the two models name differently: its row, three class indices, two top probabilities."""

    row: int
    label: int
    float_class: int
    quantized_class: int
    float_probability: float
    quantized_probability: float


@dataclass(frozen=True)
class PairedComparison:
    """Float and quantized on the same n faces.

    Ratios are 0..1; ``drop_points`` is 100 * (float accuracy - quantized accuracy), positive for a loss;
    ``drop_interval`` its 95 % interval from the paired flips, in points.
    """

    n: int
    top1_agreement: float
    float_accuracy: float
    quantized_accuracy: float
    drop_points: float
    drop_interval: tuple[float, float]
    flips_to_right: int
    flips_to_wrong: int
    flips_wrong_to_wrong: int
    mcnemar_p: float
    mean_probability_difference: float
    flips: tuple[Flip, ...] = ()

    def __post_init__(self) -> None:
        flipped = self.flips_to_right, self.flips_to_wrong, self.flips_wrong_to_wrong
        if self.n < 1 or min(flipped) < 0 or not sum(flipped) <= self.n or not 0 <= self.top1_agreement <= 1:
            raise ValueError(
                f"{sum(flipped)} flips and an agreement of {self.top1_agreement:g} are none of {self.n} faces"
            )
        refuse_no_interval(self.drop_interval, -100, 100)
        low, high = self.drop_interval
        if not low <= self.drop_points <= high:
            raise ValueError(
                f"a drop of {self.drop_points:g} points lies outside its interval, {low:g} to {high:g}"
            )
        counted = flip_figures(self.flips_to_right, self.flips_to_wrong, self.flips_wrong_to_wrong, self.n)
        counted["quantized_accuracy"] = self.float_accuracy - counted["drop_points"] / 100
        refuse_contradiction(vars(self), counted)


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Return the two-sided exact p-value of McNemar's test from its two discordant counts."""
    n, few = first_only + second_only, min(first_only, second_only)
    tail = sum(math.comb(n, k) for k in range(few + 1))
    return float(min(1.0, 2 * tail / 2**n))


def paired_interval(to_wrong: int, to_right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of (to_wrong - to_right) / n for paired faces, as ratios.

    Agresti and Min 2005: Wald's interval after adding one half to each of the four cells; it stays
    honest where there are few flips or none.
    """
    lost, won, total = to_wrong + 0.5, to_right + 0.5, n + 2
    difference = (lost - won) / total
    half = Z_95 * math.sqrt((lost + won) - (lost - won) ** 2 / total) / total
    return max(-1.0, difference - half), min(1.0, difference + half)


def compare_predictions(
    float_probs: np.ndarray, quantized_probs: np.ndarray, labels: np.ndarray
) -> PairedComparison:
    """Return the paired comparison of two (N, C) predictions for the same (N,) labels.

    Raises EdgeError where the two do not have the same shape, or there is no face.
    """
    if np.shape(float_probs) != np.shape(quantized_probs):
        raise EdgeError(
            "the two models answer in different shapes: "
            f"{np.shape(float_probs)} and {np.shape(quantized_probs)}; they cannot be compared"
        )
    class_n = np.shape(float_probs)[-1]
    first, labels = checked_predictions(float_probs, labels, class_n)
    second, labels = checked_predictions(quantized_probs, labels, class_n)
    n, named, renamed = len(labels), first.argmax(axis=1), second.argmax(axis=1)
    was_right, is_right = named == labels, renamed == labels
    to_right, to_wrong = int((~was_right & is_right).sum()), int((was_right & ~is_right).sum())
    flipped = np.flatnonzero(named != renamed)
    return PairedComparison(
        n=n,
        **flip_figures(to_right, to_wrong, len(flipped) - to_right - to_wrong, n),
        float_accuracy=float(was_right.mean()),
        quantized_accuracy=float(is_right.mean()),
        flips_to_right=to_right,
        flips_to_wrong=to_wrong,
        flips_wrong_to_wrong=len(flipped) - to_right - to_wrong,
        mcnemar_p=mcnemar_exact(to_wrong, to_right),
        mean_probability_difference=float(np.abs(first - second).mean()),
        flips=tuple(_flip(row, labels, first, second) for row in flipped[:MOST_FLIPS_KEPT]),
    )


def flip_figures(to_right: int, to_wrong: int, wrong_to_wrong: int, n: int) -> dict[str, Any]:
    """Return the fields of a comparison on ``n`` faces that its counts of flips decide."""
    low, high = paired_interval(to_wrong, to_right, n)
    return {
        "top1_agreement": 1 - (to_right + to_wrong + wrong_to_wrong) / n,
        "drop_points": 100 * (to_wrong - to_right) / n,
        "drop_interval": (100 * low, 100 * high),
    }


def _flip(row: int, labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Flip:
    return Flip(
        row=int(row),
        label=int(labels[row]),
        float_class=int(first[row].argmax()),
        quantized_class=int(second[row].argmax()),
        float_probability=round(float(first[row].max()), 4),
        quantized_probability=round(float(second[row].max()), 4),
    )
