"""An exponential moving average of all weights, batch-normalisation statistics included."""

import numpy as np

# Averaging every few steps costs nothing and averages the same.
STEPS_BETWEEN_UPDATES = 8


class WeightAverage:
    """The average of a model's weights over about ``memory_steps`` steps; shorter at the start."""

    def __init__(self, weights: list[np.ndarray], memory_steps: float):
        self.weights = [weight.astype(np.float32) for weight in weights]
        self.memory_updates = max(memory_steps / STEPS_BETWEEN_UPDATES, 1e-9)
        self.updates = 0

    def update(self, weights: list[np.ndarray]) -> None:
        """Take the newest weights in."""
        self.updates += 1
        share = 1 / min(self.updates, 1 + self.memory_updates)
        for average, weight in zip(self.weights, weights, strict=True):
            average += share * (weight - average)
