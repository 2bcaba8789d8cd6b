"""Pictures of a training: learning curves, the confusion matrix and sample predictions, as PNG files."""

from pathlib import Path

import matplotlib
import numpy as np

from device.files import whole_file
from toolkit.results.history import EpochRecord

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

plt.rcParams["text.parse_math"] = False  # a class may be called anything

# Okabe and Ito's colours, distinguishable with any colour vision.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SAMPLE_ROWS, SAMPLE_COLUMNS = 4, 8


def draw_learning_curves(history: list[EpochRecord], path: Path) -> None:
    """Draw both losses, each on a scale of its own, and validation accuracy; the epoch that is kept is marked."""
    epochs = [record.epoch for record in history]
    kept = max(row for row, record in enumerate(history) if record.best)
    accuracy = [100 * record.validation_accuracy for record in history]
    panels = (
        ("Training: augmented faces, all targets", "loss", [record.loss for record in history], BLUE),
        ("Validation loss", "loss", [record.validation_loss for record in history], ORANGE),
        (
            f"Accuracy; kept: epoch {epochs[kept]}, {accuracy[kept]:.1f} %",
            "validation accuracy, %",
            accuracy,
            GREEN,
        ),
    )
    figure, row = plt.subplots(1, len(panels), figsize=(13, 4), layout="constrained")
    for axes, (title, label, values, color) in zip(row, panels, strict=True):
        axes.plot(epochs, values, color=color)
        axes.plot(epochs[kept], values[kept], "o", color=VERMILION)
        axes.axvline(epochs[kept], color=VERMILION, lw=1, ls=":")
        axes.set(xlabel="epoch", ylabel=label, title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    save(figure, path)


def draw_confusion(confusion: np.ndarray, classes: tuple[str, ...], path: Path, title: str) -> None:
    """Draw a (C, C) matrix of counts, rows the true class, as percentages of each row."""
    shares = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(
        figsize=(1.6 + 0.75 * len(classes), 1.2 + 0.7 * len(classes)), layout="constrained"
    )
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.ndindex(shares.shape):
        color = "white" if shares[row, column] > 55 else "black"
        axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(classes)), classes, rotation=40, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    save(figure, path)


def draw_samples(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: tuple[str, ...],
    path: Path,
    seed: int,
) -> None:
    """Draw 32 faces drawn at random with what the model says, and where it is wrong what the label says.

    images: (N, 48, 48) uint8 gray; labels: (N,) int; probabilities: (N, C) float.
    """
    chosen = np.random.default_rng(seed).permutation(len(images))[: SAMPLE_ROWS * SAMPLE_COLUMNS]
    figure, grid = plt.subplots(
        SAMPLE_ROWS, SAMPLE_COLUMNS, figsize=(1.3 * SAMPLE_COLUMNS, 1.75 * SAMPLE_ROWS), layout="constrained"
    )
    for axes in grid.flat:
        axes.axis("off")
    for axes, row in zip(grid.flat, chosen, strict=False):
        named = int(probabilities[row].argmax())
        right = named == labels[row]
        title = f"{classes[named]} {100 * probabilities[row, named]:.0f} %"
        axes.imshow(images[row], cmap="gray", vmin=0, vmax=255)
        axes.set_title(
            title if right else f"{title}\nlabel: {classes[labels[row]]}",
            fontsize=9,
            color=GREEN if right else VERMILION,
        )
    save(figure, path)


def save(figure: "plt.Figure", path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120, format="png")
    plt.close(figure)
