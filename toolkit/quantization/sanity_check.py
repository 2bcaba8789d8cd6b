"""Whether a float network recognises the faces it is given, before its quantization is judged."""

import math

import numpy as np

from device.errors import EdgeError
from toolkit.models.network import FloatNetwork

ONE_CLASS_SHARE = 0.95
CHANCE_SIGMAS = 3.0
SMALLEST_ERROR = 0.02  # of a probability: rounding to int8 alone
UNTRAINED = "or pass `untrained` if the model is not trained yet"


def why_not_plausible(probabilities: np.ndarray, labels: np.ndarray | None) -> str | None:
    """Return what is wrong with a network's answers, ``(N, C)``, or None.

    One class for over 95 % of faces that show several, or an accuracy not above chance by three standard
    deviations of a guess: what images normalised twice, or labels in another order, look like.
    """
    n, classes = probabilities.shape
    named = np.bincount(probabilities.argmax(axis=1), minlength=classes)
    if named.max() > ONE_CLASS_SHARE * n and (labels is None or len(np.unique(labels)) > 1):
        return f"it gives output {int(named.argmax())} for {100 * named.max() / n:.0f} % of {n} faces"
    if labels is None:
        return None
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    shares = np.bincount(labels, minlength=classes) / n
    chance = float((shares * named / n).sum())
    if accuracy <= chance + CHANCE_SIGMAS * math.sqrt(max(chance * (1 - chance), 1e-9) / n):
        return f"its accuracy on {n} faces is {100 * accuracy:.1f} %, no better than chance"
    return None


def not_plausible(network: FloatNetwork, reason: str) -> EdgeError:
    """Return the error for a network whose answers make no sense."""
    return EdgeError(
        f"{network.path} does not recognise these faces: {reason}; pixels enter as {network.pixel_range} "
        f"({network.range_from}); pass `pixel_range` as in training, of {', '.join(network.pixel_ranges)}, check "
        f"the order of `labels`, {UNTRAINED}"
    )


def why_no_agreement(exact: np.ndarray, quantized: np.ndarray) -> str | None:
    """Return what is wrong with a quantized network's answers beside its float original's, ``(N, C)`` each, or None.

    That it names faces as the original does no more often than chance, or that its probabilities are no nearer to the
    original's than their own mean is: of a network that gives one class to all faces, agreement alone says nothing.
    """
    n, classes = exact.shape
    named = [np.bincount(answers.argmax(axis=1), minlength=classes) / n for answers in (exact, quantized)]
    agreement = float((exact.argmax(axis=1) == quantized.argmax(axis=1)).mean())
    chance = float((named[0] * named[1]).sum())
    sigma = math.sqrt(chance * (1 - chance) / n)
    if agreement < chance + CHANCE_SIGMAS * sigma and agreement < ONE_CLASS_SHARE:
        return f"it names {100 * agreement:.1f} % of {n} faces as the float model does, no better than chance"
    spread = float(np.abs(exact - exact.mean(axis=0)).mean())
    error = float(np.abs(exact - quantized).mean())
    if error > max(spread, SMALLEST_ERROR):
        return f"its probabilities differ from the float model's by {error:.3f} on average, which vary by {spread:.3f}"
    return None
