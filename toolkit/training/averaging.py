"""An exponential moving average of all weights, batch-normalisation statistics included."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from toolkit.training.renormalization import reestimate_statistics

# Averaging every few steps costs nothing and averages the same.
STEPS_BETWEEN_UPDATES = 8


class WeightAverage:
    """The average of a model's weights over about ``memory_steps`` steps; shorter at the start."""

    def __init__(self, weights: list[np.ndarray], memory_steps: float):
        self.weights = [np.array(weight, np.float32) for weight in weights]
        self.memory_updates = max(memory_steps / STEPS_BETWEEN_UPDATES, 1e-9)
        self.updates = 0

    def update(self, weights: list[np.ndarray]) -> None:
        """Take the newest weights in."""
        self.updates += 1
        share = 1 / min(self.updates, 1 + self.memory_updates)
        for average, weight in zip(self.weights, weights, strict=True):
            average += share * (weight - average)

    def go_on(self, weights: list[np.ndarray], updates: int) -> None:
        """Go on from the ``weights`` of a former average after its ``updates``; ValueError for other shapes."""
        for average, weight in zip(self.weights, weights, strict=True):
            average[...] = weight
        self.updates = int(updates)


def blended(first: list[np.ndarray], second: list[np.ndarray], share: float) -> list[np.ndarray]:
    """Return ``share`` of each of the ``first`` weights plus the rest of the ``second``."""
    return [share * one + (1 - share) * other for one, other in zip(first, second, strict=True)]


@contextlib.contextmanager
def carrying(
    model: keras.Model, weights: Sequence[np.ndarray], batches: Sequence[np.ndarray]
) -> Iterator[None]:
    """Let ``model`` carry ``weights`` in a ``with`` block, with the statistics of ``batches`` of inputs.

    What it carried before, dropout seeds included, comes back at its end, and where that fails.

    >>> with carrying(model, average.weights, batches):
    ...     model.save("average.keras")
    """
    kept = [keras.ops.convert_to_numpy(variable) for variable in model.variables]
    try:
        model.set_weights(weights)
        reestimate_statistics(model, batches)
        yield
    finally:
        for variable, value in zip(model.variables, kept, strict=True):
            variable.assign(value)
