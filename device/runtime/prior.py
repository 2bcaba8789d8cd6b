"""Probabilities corrected for how often a camera sees each class: training data hold them in other shares."""

import math
from collections.abc import Sequence

import numpy as np

from device.errors import UsageError
from device.runtime.frame_loop import Classifier
from device.runtime.options import CAMERA_PRIOR

LEAST, MOST = 0.01, 100.0


class WeighedClassifier:
    """A classifier whose probabilities are multiplied by a weight for each class; their sum stays what it was."""

    def __init__(self, model: Classifier, weights: np.ndarray):
        self.model, self.labels, self.weights = model, model.labels, weights

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return ``(N, C) float32`` probabilities for crops as ``model`` takes them."""
        plain = self.model.predict(crops)
        weighed = plain * self.weights
        sums = np.maximum(weighed.sum(axis=1, keepdims=True), 1e-9)
        return np.asarray(weighed * (plain.sum(axis=1, keepdims=True) / sums), np.float32)


def with_prior(model: Classifier, prior: str | None = None) -> Classifier:
    """Return ``model`` with the weights of ``prior``: 'none', or CLASS=WEIGHT pairs joined by commas.

    None: CAMERA_PRIOR, as far as the model has such classes. Raises UsageError for a class that the model does not
    name, or an invalid weight.

    >>> with_prior(model, "neutral=2,sad=0.5").predict(crops)
    """
    asked = CAMERA_PRIOR if prior is None else _parsed(prior, model.labels)
    weights = np.array([asked.get(label, 1.0) for label in model.labels], np.float32)
    return model if (weights == 1).all() else WeighedClassifier(model, weights)


def _parsed(text: str, labels: Sequence[str]) -> dict[str, float]:
    if text == "none":
        return {}
    weights = {}
    for pair in text.split(","):
        name, _, number = (part.strip() for part in pair.partition("="))
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if name not in labels or not LEAST <= weight <= MOST:
            raise UsageError(
                f"`prior` holds '{pair.strip()}'; expected CLASS=WEIGHT, a weight from {LEAST:g} to {MOST:g} and one "
                f"of {', '.join(labels)}, such as {labels[-1]}=1.5, or none"
            )
        if name in weights:
            raise UsageError(f"`prior` names '{name}' twice; expected each class once")
        weights[name] = weight
    return weights
