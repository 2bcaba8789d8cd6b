"""Which variant is better, and how sure that is: face by face, over all seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.results.compare import mcnemar_exact
from toolkit.results.metrics import Z_95


@dataclass(frozen=True)
class Ranked:
    """A variant's accuracy, the mean over its seeds, with a 95 % interval of the faces, and its seeds' own accuracies.

    ``behind`` is by how many points it is behind the best, with a 95 % interval from the same faces; ``p`` is the
    paired test's: McNemar's exact one with a seed each, else the normal approximation over faces. None for the best.
    """

    name: str
    accuracy: float
    interval: tuple[float, float]
    by_seed: tuple[float, ...]
    behind: float | None = None
    behind_interval: tuple[float, float] | None = None
    p: float | None = None


def rank(right: Mapping[str, Sequence[np.ndarray]]) -> list[Ranked]:
    """Return the variants, best first; ``right`` has, a seed each, (N,) bool: which test faces were named right."""
    shares = {name: np.mean(np.stack(seeds), axis=0) for name, seeds in right.items()}
    order = sorted(shares, key=lambda name: -shares[name].mean())
    return [_ranked(name, right[name], shares[name], right[order[0]], shares[order[0]]) for name in order]


def _ranked(
    name: str,
    seeds: Sequence[np.ndarray],
    share: np.ndarray,
    best_seeds: Sequence[np.ndarray],
    best: np.ndarray,
) -> Ranked:
    low, high = _interval(share)
    by_seed = tuple(float(one.mean()) for one in seeds)
    told = (name, float(share.mean()), (max(low, 0.0), min(high, 1.0)), by_seed)
    if share is best:
        return Ranked(*told)
    difference = best - share
    if len(seeds) == len(best_seeds) == 1:
        p = mcnemar_exact(int((difference > 0).sum()), int((difference < 0).sum()))
    else:
        p = _two_sided(difference)
    low, high = _interval(difference)
    return Ranked(*told, 100 * float(difference.mean()), (100 * low, 100 * high), p)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of ``values``, one a face, by the normal approximation."""
    half = Z_95 * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 1.0
    return float(values.mean() - half), float(values.mean() + half)


def _two_sided(values: np.ndarray) -> float:
    """Return the p-value of a mean of 0, by the normal approximation."""
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return math.erfc(abs(float(values.mean())) / error / math.sqrt(2)) if error else 1.0
