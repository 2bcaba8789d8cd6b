"""Temperature scaling: one number that makes probabilities mean what they say (arXiv 1706.04599)."""

import numpy as np


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T > 0 that minimises the negative log-likelihood of ``labels`` under softmax(logits / T).

    logits: (N, C) float; labels: (N,) int. Searched on a grid of 1 % steps from 0.2 to 5.
    """
    temperatures = np.exp(np.arange(np.log(0.2), np.log(5.0), 0.01))
    return float(
        min(temperatures, key=lambda temperature: negative_log_likelihood(logits / temperature, labels))
    )


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log softmax(logits)[label]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]))
