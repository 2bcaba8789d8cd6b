"""Whether a network is fed and read as it was trained: its pixel range and the order of its labels."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from device.model.pixels import BYTES
from device.text import counted
from toolkit.data.class_names import normal_class_name, other_orders
from toolkit.data.even_choice import even_rows
from toolkit.models.network import FOUND, FloatNetwork

log = logging.getLogger(__name__)

# Faces that are asked to settle a range or an order; an accuracy of 0.1 more on them is no chance.
TRIED_FACES = 500
FAR_HIGHER = 0.10
SIGMAS = 4.0
TEMPERATURES = 2.0 ** np.arange(-2, 6)  # from a network half as sure as it may be to one far too sure
LEAST_PROBABILITY = 1e-6
SURE = 0.99  # a face named right and as surely as this tells no more: of ranges that tell all faces, the first is taken
CLEAR = 2.0  # standard errors by which the best range is ahead of the second


Asked = TypeVar("Asked", FloatNetwork, ExpressionModel)


@dataclass(frozen=True)
class BetterFit:
    """Another pixel range or order of labels with which a network recognises far more faces: accuracies of n."""

    pixel_range: str | None
    order_name: str
    order: tuple[str, ...]
    accuracy: float
    given_accuracy: float
    n: int

    def __str__(self) -> str:
        found = f"{100 * self.accuracy:.1f} % of {self.n} faces instead of {100 * self.given_accuracy:.1f} %"
        if self.pixel_range:
            return f"with pixels as {self.pixel_range} it recognises {found}; pass `pixel_range` {self.pixel_range}"
        return f"with its labels in {self.order_name} order it recognises {found}; pass `labels` {','.join(self.order)}"


def settle_pixel_range(network: Asked, images: np.ndarray, labels: np.ndarray | None) -> Asked:
    """Return the network fed as it was trained: as the user, its file or its layers tell, else as fits the faces best.

    images: ``(N, H, W) uint8``; labels: ``(N,)`` indices of its outputs, -1 for a face of none of them, or None where
    the faces show other classes. Logs a warning where two ranges fit about as well; raises EdgeError where nothing
    tells and nothing can be found out.
    """
    if network.range_is_known:
        return network
    if labels is None or not (labels >= 0).any():
        raise EdgeError(
            f"nothing tells which pixel values {network.path} takes: pass `pixel_range` as in training, of "
            f"{', '.join(network.pixel_ranges)}, or labelled faces of its classes with `data`"
        )
    images, labels = tried(images, labels)
    candidates = [network.with_pixel_range(name) for name in network.pixel_ranges]
    fits = [likelihoods(candidate.predict(images), labels) for candidate in candidates]
    order: list[int] = np.argsort([-fit.mean() for fit in fits], kind="stable").tolist()
    best, second = order[:2]
    ahead = fits[best] - fits[second]
    if ahead.mean() < CLEAR * ahead.std() / np.sqrt(len(ahead)):
        log.warning(
            f"{counted(len(labels), 'labelled face')} hardly tell whether pixels enter {network.path} as "
            f"{candidates[best].pixel_range} or {candidates[second].pixel_range}; pass `pixel_range` as in training"
        )
    return candidates[best]


def better_fit(
    network: FloatNetwork | ExpressionModel,
    images: np.ndarray,
    labels: np.ndarray,
    answers: np.ndarray | None = None,
) -> BetterFit | None:
    """Return the pixel range or order of labels with which ``network`` recognises far more faces, or None.

    Arguments as ``settle_pixel_range``; answers: what ``network`` says of ``images``, where that is known. Orders
    tried: alphabetical, reversed and those of PUBLISHED_ORDERS; and other ranges, of a network that scales pixels
    itself too: some were trained with pixels that were scaled before.
    """
    rows = tried_rows(labels)
    if not len(rows):
        return None
    images, labels = images[rows], labels[rows]
    answers = network.predict(images) if answers is None else answers[rows]
    return better_order(answers, labels, network.labels) or better_range(network, images, labels, answers)


def better_range(
    network: FloatNetwork | ExpressionModel, images: np.ndarray, labels: np.ndarray, answers: np.ndarray
) -> BetterFit | None:
    """Return the pixel range with which ``network`` recognises far more of ``images`` than by ``answers``, or None."""
    given, best = answers.argmax(axis=1) == labels, None
    for name in other_ranges(network) if given.mean() + FAR_HIGHER <= 1 else ():
        right = network.with_pixel_range(name).predict(images).argmax(axis=1) == labels
        if far_higher(right, given) and (best is None or right.mean() > best.accuracy):
            best = BetterFit(name, "", (), float(right.mean()), float(given.mean()), len(labels))
    return best


def other_ranges(network: FloatNetwork | ExpressionModel) -> tuple[str, ...]:
    """Return the pixel ranges that ``network`` might take instead of its own; none where its file's metadata or type,
    or faces, have settled that."""
    if isinstance(network, ExpressionModel):
        settled = network.metadata is not None or network.input_tensor.dtype in BYTES
    else:
        settled = network.range_from == FOUND
    return () if settled else tuple(name for name in network.pixel_ranges if name != network.pixel_range)


def better_order(answers: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> BetterFit | None:
    """Return the order of ``names`` in which ``answers``, (N, C), fit ``labels``, (N,), far better, or None."""
    named = answers.argmax(axis=1)
    given, best = named == labels, None
    for order_name, order in other_orders(names).items():
        position = np.array([names.index(name) for name in order])
        right = position[named] == labels
        if far_higher(right, given) and (best is None or right.mean() > best.accuracy):
            best = BetterFit(None, order_name, order, float(right.mean()), float(given.mean()), len(labels))
    return best


def far_higher(right: np.ndarray, given: np.ndarray) -> bool:
    """Return whether one of two ways to name the same faces, (N,) bool each, is right far more often.

    By FAR_HIGHER at least, and by SIGMAS standard deviations of the faces on which they differ (McNemar).
    """
    won, lost = int((right & ~given).sum()), int((given & ~right).sum())
    return bool(won - lost >= max(FAR_HIGHER * len(right), SIGMAS * np.sqrt(won + lost)))


def likelihoods(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the logarithm of what ``answers``, (N, C), give to each label, (N,), at the best of TEMPERATURES.

    A network that is robust to light names about as many faces in a wrong pixel range, but is less sure of the right
    ones; one without biases is surer in a range of larger numbers, for no good reason, which a temperature undoes.
    """
    logits = (
        np.log(np.maximum(answers.astype(np.float64), LEAST_PROBABILITY))[None] / TEMPERATURES[:, None, None]
    )
    found = logits[:, np.arange(len(labels)), labels] - np.log(np.exp(logits).sum(axis=2))
    found = np.minimum(found, np.log(SURE))
    return np.asarray(found[found.mean(axis=1).argmax()])


def tried(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at most TRIED_FACES of the labelled faces, evenly chosen."""
    rows = tried_rows(labels)
    return np.asarray(images[rows]), labels[rows]


def tried_rows(labels: np.ndarray) -> np.ndarray:
    """Return which faces ``tried`` takes, by index."""
    rows = np.flatnonzero(labels >= 0)
    return np.asarray(rows[even_rows(len(rows), TRIED_FACES)])


def label_indices(classes: Sequence[str], labels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return labels, indices of ``classes``, as indices of a network's ``names``; -1 where it has no such name."""
    number = {normal_class_name(name): index for index, name in enumerate(names)}
    table = np.array([number.get(normal_class_name(name), -1) for name in classes])
    return np.asarray(table[labels])
