"""Temperature scaling: one number that calibrates the probabilities (arXiv 1706.04599)."""

import numpy as np


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T > 0 at which the top probability of softmax(logits / T) best says whether the named class is right.

    Best in the squared error (Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2). The likelihood of the
    labels, the usual measure, also weighs how unlikely the unlikely classes are; where one number cannot serve both, it
    leaves the network too sure of the class it names. logits: (N, C) float; labels: (N,) int. Searched on a grid of
    1 % steps from 0.2 to 5.
    """
    right = logits.argmax(axis=1) == labels
    temperatures = np.exp(np.arange(np.log(0.2), np.log(5.0), 0.01))
    errors = [np.mean((top_probabilities(logits / temperature) - right) ** 2) for temperature in temperatures]
    return float(temperatures[np.argmin(errors)])


def top_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the greatest of each row's softmax: (N,) from (N, C)."""
    sums: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
    return 1 / sums


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log softmax(logits)[label]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]))
