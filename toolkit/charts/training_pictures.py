"""Pictures of a training, as PNG: learning curves, the confusion matrix and sample predictions."""

import io
import warnings
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from device.text import printable
from toolkit.charts.epochs import plot_epochs
from toolkit.results.history import EpochRecord

AS_TEXT: dict[Any, Any] = {"text.parse_math": False}  # a class may be called anything
# Okabe and Ito's colours, distinguishable with any colour vision.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SAMPLE_ROWS, SAMPLE_COLUMNS = 4, 8
# Of more classes a matrix has no room for figures and names; of longer names only the start is shown.
MOST_CELLS, LONGEST_NAME = 30, 16


@rc_context(AS_TEXT)
def draw_learning_curves(history: list[EpochRecord]) -> bytes:
    """Draw loss and accuracy, training beside validation on one axis each, and the learning rate; the epoch that is
    kept is marked. Training is a fixed sample of the training faces, as they are."""
    kept = max(row for row, record in enumerate(history) if record.best)
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    plot_epochs(loss, [record.training_loss for record in history], color=BLUE, label="training")
    plot_epochs(loss, [record.validation_loss for record in history], color=ORANGE, label="validation")
    loss.set(ylabel="loss", title=f"Loss; kept: epoch {history[kept].epoch}, the lowest of validation")
    named = 100 * history[kept].validation_accuracy
    named_right = [100 * record.training_accuracy for record in history]
    plot_epochs(accuracy, named_right, color=BLUE, label="training")
    named_right = [100 * record.validation_accuracy for record in history]
    plot_epochs(accuracy, named_right, color=ORANGE, label="validation")
    accuracy.set(ylabel="accuracy, %", title=f"Accuracy; kept: {named:.1f} %")
    plot_epochs(rate, [record.learning_rate for record in history], color=GREEN)
    rate.set(ylabel="learning rate", title="Learning rate")
    for axes in (loss, accuracy, rate):
        axes.axvline(history[kept].epoch, color=VERMILION, lw=1, ls=":")
        axes.set_xlabel("epoch")
        if axes is not rate:
            axes.legend()
    return _png(figure)


@rc_context(AS_TEXT)
def draw_confusion(confusion: np.ndarray, classes: tuple[str, ...], title: str) -> bytes:
    """Draw a (C, C) matrix of counts, rows the true class, as percentages of each row; of over MOST_CELLS classes the
    colours alone."""
    shares = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    cells = min(len(classes), MOST_CELLS)
    figure = Figure(figsize=(1.6 + 0.75 * cells, 1.2 + 0.7 * cells), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    if cells == len(classes):
        for row, column in np.ndindex(shares.shape):
            color = "white" if shares[row, column] > 55 else "black"
            axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", color=color)
        names = [printable(name, LONGEST_NAME) for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=40, ha="right")
        axes.set_yticks(range(len(classes)), names)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    return _png(figure)


@rc_context(AS_TEXT)
def draw_samples(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: tuple[str, ...],
    seed: int,
) -> bytes:
    """Draw 32 faces drawn at random with what the model says, and where it is wrong what the label says.

    images: (N, 48, 48) uint8 gray, or (N, 48, 48, 3) R, G, B; labels: (N,) int; probabilities: (N, C) float.
    """
    chosen = np.random.default_rng(seed).permutation(len(images))[: SAMPLE_ROWS * SAMPLE_COLUMNS]
    # One picture of all faces: axes of its own for each would take seconds to lay out.
    height, width = images.shape[1] * 7 // 4, images.shape[2] * 13 // 10
    sheet = np.full((height * SAMPLE_ROWS, width * SAMPLE_COLUMNS, *images.shape[3:]), 255, np.uint8)
    figure = Figure(figsize=(1.3 * SAMPLE_COLUMNS, 1.75 * SAMPLE_ROWS))
    axes = figure.add_axes((0, 0, 1, 1), frame_on=False, xticks=[], yticks=[])
    for place, row in enumerate(chosen):
        bottom, left = height * (place // SAMPLE_COLUMNS + 1), width * (place % SAMPLE_COLUMNS)
        top, middle = bottom - images.shape[1], left + width / 2
        left += (width - images.shape[2]) // 2
        sheet[top:bottom, left : left + images.shape[2]] = images[row]
        named = int(probabilities[row].argmax())
        right = named == labels[row]
        said = f"{printable(classes[named], LONGEST_NAME)} {100 * probabilities[row, named]:.0f} %"
        said += "" if right else f"\nlabel: {printable(classes[labels[row]], LONGEST_NAME)}"
        color = GREEN if right else VERMILION
        axes.text(middle, top - 2, said, fontsize=9, color=color, ha="center", va="bottom")
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, aspect="auto")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of letters that the font lacks; they are boxes
        figure.savefig(content, dpi=120, format="png")
    return content.getvalue()
