"""Whether a float network understands the faces it is given, before its quantization is judged."""

import math

import numpy as np

from device.errors import EdgeError
from toolkit.models.network import PIXEL_RANGES, FloatNetwork

ONE_CLASS_SHARE = 0.95
CHANCE_SIGMAS = 3.0


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
    origin = "as given or read from the model" if network.range_is_known else "the best of three guesses"
    return EdgeError(
        f"{network.path} does not recognise these faces: {reason}; pixels enter as {network.pixel_range} ({origin}); "
        "pass --scale 0..255, 0..1 or -1..1 as in training, check the order of --labels, or pass --untrained if the "
        "model is not trained yet"
    )


def settle_pixel_range(
    network: FloatNetwork, images: np.ndarray, labels: np.ndarray | None
) -> tuple[FloatNetwork, np.ndarray, str | None]:
    """Return the network fed as its answers show it wants to be, its probabilities, and what is wrong with
    them.

    Where the range of pixels was a guess, each is tried on ``images``, ``(N, H, W) uint8``, and the one that
    recognises most of ``labels`` is taken.
    """
    candidates = [network]
    if not network.range_is_known and labels is not None:
        others = (name for name in PIXEL_RANGES if name != network.pixel_range)
        candidates += [network.with_pixel_range(name) for name in others]
    answers = [candidate.predict(images) for candidate in candidates]
    best = 0
    if len(candidates) > 1:
        best = int(np.argmax([(answer.argmax(axis=1) == labels).mean() for answer in answers]))
    return candidates[best], answers[best], why_not_plausible(answers[best], labels)
