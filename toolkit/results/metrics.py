"""Accuracy, per-class figures and calibration of a classifier on labelled faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from device.errors import EdgeError

Z_95 = 1.959963984540054  # the 97.5 % point of the normal distribution
CALIBRATION_BINS = 15  # Guo et al. 2017, "On Calibration of Modern Neural Networks"
ROUNDING = 1e-6  # between a figure as it is told and as it is counted again


@dataclass(frozen=True)
class ClassMetrics:
    """One class: precision, recall and F1 as ratios, None where undefined; ``interval`` is the recall's."""

    n: int
    predicted_n: int
    precision: float | None
    recall: float | None
    f1: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class CalibrationBin:
    """The faces whose top probability lies in (lower, upper]: their mean confidence and their accuracy."""

    lower: float
    upper: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class EvaluationReport:
    """How well a model names n faces. Ratios are 0..1; intervals are Wilson's at 95 %.

    ``confusion[i][j]`` counts the faces of class i that were named class j, in the order of ``classes``.
    """

    classes: tuple[str, ...]
    n: int
    correct_n: int
    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    macro_f1: float
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]
    expected_calibration_error: float
    mean_confidence: float
    log_loss: float
    calibration: tuple[CalibrationBin, ...]

    def __post_init__(self) -> None:
        shape = {len(self.confusion), *map(len, self.confusion)}
        if not self.classes or shape != {len(self.classes)} or set(self.per_class) != set(self.classes):
            raise ValueError(f"confusion and figures by class are not of {len(self.classes)} classes")
        if self.n < 1 or not 0 <= self.accuracy <= 1 or min(map(min, self.confusion)) < 0:
            raise ValueError(f"an accuracy of {self.accuracy:g} on {self.n} faces is none")
        if self.n != sum(map(sum, self.confusion)):
            raise ValueError(f"{self.n} faces, but {sum(map(sum, self.confusion))} in the confusion matrix")
        if self.n != (binned_n := sum(entry.n for entry in self.calibration)):
            raise ValueError(f"{self.n} faces, but {binned_n} in the bins of the calibration")
        refuse_no_interval(self.interval, 0, 1)
        counted = counted_figures(self.classes, self.confusion)
        for name, figures in counted.pop("per_class").items():
            refuse_contradiction(vars(self.per_class[name]), vars(figures), f" of '{name}'")
        counted["expected_calibration_error"] = calibration_error(self.calibration)
        refuse_contradiction(vars(self), counted)


def refuse_contradiction(told: Mapping[str, Any], counted: Mapping[str, Any], of: str = "") -> None:
    """Raise ValueError where a figure is ``told`` to be another than was ``counted``; ``of``: what it is about."""
    for name, value in counted.items():
        known = told[name] is not None and value is not None
        if not (np.allclose(told[name], value, 0, ROUNDING) if known else told[name] is value):
            raise ValueError(f"{name}{of} is {told[name]}, but its counts make it {value}")


def refuse_no_interval(interval: tuple[float, float], least: float, most: float) -> None:
    """Raise ValueError unless ``interval`` goes up and lies within ``least`` and ``most``."""
    low, high = interval
    if not least <= low <= high <= most:
        raise ValueError(f"{low:g} to {high:g} is no interval within {least:g} and {most:g}")


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return Wilson's score interval, 95 %, for a ratio of ``successes`` in ``n`` > 0 trials."""
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"expected 0 <= successes <= n and n > 0, received {successes} of {n}")
    ratio, z = successes / n, Z_95
    centre = (ratio + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(ratio * (1 - ratio) / n + z * z / (4 * n * n)))
    # At the edges the formula is exact but floating point is not.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return low, high


def checked_predictions(
    probabilities: np.ndarray, labels: np.ndarray, class_n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities as (N, C) float64 and labels as (N,) int64; EdgeError if they are not that."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    labels = np.asarray(labels, dtype=np.int64)
    if probabilities.ndim != 2 or probabilities.shape[1] != class_n:
        raise EdgeError(f"expected probabilities of shape (N, {class_n}), received {probabilities.shape}")
    if len(probabilities) != len(labels):
        raise EdgeError(f"{len(probabilities)} predictions do not belong to {len(labels)} labels")
    if len(labels) == 0:
        raise EdgeError("there is no face to evaluate; name a data set or split with at least one")
    if len(wrong := labels[(labels < 0) | (labels >= class_n)]):
        raise EdgeError(f"a label is {wrong[0]}, but there are {class_n} classes (0 to {class_n - 1})")
    if not np.isfinite(probabilities).all():
        rows = int((~np.isfinite(probabilities)).any(axis=1).sum())
        raise EdgeError(
            f"the model answers NaN or infinity for {rows} of {len(labels)} faces; its weights are broken"
        )
    return probabilities, labels


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, class_n: int) -> np.ndarray:
    """Return (C, C) int64 counts; row: the true class, column: the predicted one."""
    return np.bincount(labels * class_n + predicted, minlength=class_n * class_n).reshape(class_n, class_n)


def calibration_bins(confidence: np.ndarray, correct: np.ndarray) -> tuple[CalibrationBin, ...]:
    """Return the reliability diagram of (N,) top probabilities and whether each is right: CALIBRATION_BINS bins of
    equal width over 0..1."""
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, CALIBRATION_BINS - 1)
    found = []
    for index in range(CALIBRATION_BINS):
        inside = place == index
        n = int(inside.sum())
        mean = float(confidence[inside].mean()) if n else None
        accuracy = float(correct[inside].mean()) if n else None
        found.append(CalibrationBin(float(edges[index]), float(edges[index + 1]), n, mean, accuracy))
    return tuple(found)


def evaluate_predictions(
    probabilities: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]
) -> EvaluationReport:
    """Return the report for (N, C) probabilities and (N,) label indices into ``classes``.

    Raises EdgeError for no faces, shapes that do not match, labels out of range, NaN.
    """
    probabilities, labels = checked_predictions(probabilities, labels, len(classes))
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    confusion = confusion_matrix(labels, predicted, len(classes)).tolist()
    bins = calibration_bins(confidence, predicted == labels)
    true_probability = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1.0)
    return EvaluationReport(
        classes=tuple(classes),
        n=len(labels),
        **counted_figures(classes, confusion),
        confusion=tuple(map(tuple, confusion)),
        expected_calibration_error=calibration_error(bins),
        mean_confidence=float(confidence.mean()),
        log_loss=float(-np.log(true_probability).mean()),
        calibration=bins,
    )


def counted_figures(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return the fields of a report that the counts of its confusion matrix, at least one, decide."""
    n, correct_n = sum(map(sum, confusion)), sum(row[index] for index, row in enumerate(confusion))
    per_class = {name: _one_class(confusion, index) for index, name in enumerate(classes)}
    present = [metrics for metrics in per_class.values() if metrics.n]
    return {
        "correct_n": correct_n,
        "accuracy": correct_n / n,
        "interval": wilson_interval(correct_n, n),
        "balanced_accuracy": float(np.mean([metrics.recall for metrics in present])),
        "macro_f1": float(np.mean([metrics.f1 for metrics in present])),
        "per_class": per_class,
    }


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Return the expected calibration error: how far accuracy and confidence lie apart, the mean over all faces."""
    told = [(one.n, one.accuracy, one.confidence) for one in bins]
    gaps = [n * abs(right - sure) for n, right, sure in told if right is not None and sure is not None]
    return sum(gaps) / sum(n for n, _, _ in told)


def _one_class(confusion: Sequence[Sequence[int]], index: int) -> ClassMetrics:
    hits, n, predicted_n = (
        confusion[index][index],
        sum(confusion[index]),
        sum(row[index] for row in confusion),
    )
    return ClassMetrics(
        n=n,
        predicted_n=predicted_n,
        precision=hits / predicted_n if predicted_n else None,
        recall=hits / n if n else None,
        f1=2 * hits / (n + predicted_n) if n + predicted_n else None,
        interval=wilson_interval(hits, n) if n else None,
    )
