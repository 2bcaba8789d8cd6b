"""How much of its accuracy a model keeps on corrupted faces."""

import logging
from collections.abc import Callable

import numpy as np

from device.errors import EdgeError
from toolkit.data.dataset import Dataset
from toolkit.evaluation.corruptions import CORRUPTIONS, corrupt
from toolkit.results.metrics import wilson_interval
from toolkit.results.robustness import CorruptedAccuracy, Robustness

log = logging.getLogger(__name__)
RESAMPLES = 2000
DEFAULT_SEED = 0


def measure_robustness(
    predict: Callable[[np.ndarray], np.ndarray],
    faces: Dataset,
    seed: int = DEFAULT_SEED,
    colour: bool = False,
) -> Robustness:
    """Return what ``predict``, (N, 48, 48) uint8 to (N, C) probabilities, is worth under each of CORRUPTIONS.

    With ``colour`` it is given (N, 48, 48, 3) faces where there are any.
    Raises EdgeError if it names no face right even without a corruption.
    """
    labels, n, images = faces.labels, len(faces), faces.seen(colour)
    clean = predict(images).argmax(axis=1) == labels
    if not clean.any():
        raise EdgeError(
            f"the model names none of the {n:,} faces right, so there is no accuracy to keep; "
            "check that its labels and its pixel range are those of the data"
        )
    rows, correct = [], [clean]
    for corruption in CORRUPTIONS:
        log.info(f"{corruption.name}, at three strengths")
        for strength in corruption.strengths:
            right = predict(corrupt(images, corruption, strength, seed)).argmax(axis=1) == labels
            number = int(right.sum())
            correct.append(right)
            kept = number / int(clean.sum())
            bounds = wilson_interval(number, n)
            words = corruption.words(strength)
            rows.append(CorruptedAccuracy(corruption.name, words, number, number / n, bounds, kept))
    mean_kept = float(np.mean([row.kept for row in rows]))
    return Robustness(
        n,
        seed,
        float(clean.mean()),
        wilson_interval(int(clean.sum()), n),
        tuple(rows),
        mean_kept,
        mean_kept_interval(np.array(correct), seed),
    )


def mean_kept_interval(correct: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the interval of the mean share kept; ``correct``: (1 + conditions, N) bool, the first row uncorrupted."""
    rng = np.random.default_rng(seed)
    n = correct.shape[1]
    # Every condition weighs alike, so their sum a face is all that the mean needs.
    right = np.stack([correct[0], correct[1:].sum(axis=0)])
    shares = np.full(n, 1 / n)
    # One draw at a time: all of them would take 16 KB a face.
    clean, corrupted = np.array([right @ rng.multinomial(n, shares) for _ in range(RESAMPLES)]).T
    kept = corrupted[clean > 0] / clean[clean > 0] / (len(correct) - 1)
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)
