"""Confusion matrices, and what quantization changed in them."""

from collections.abc import Callable

import numpy as np
from matplotlib.patches import Rectangle

from toolkit.charts.svg import GAIN, INK, LOSS, ON_FILL, QUANTIZED, drawing, label, new_figure, to_svg
from toolkit.results.metrics import EvaluationReport


def confusion(report: EvaluationReport, name: str, title: str) -> str:
    """Return a confusion matrix; a row holds the faces of one true class, in percent of them."""
    counts = np.array(report.confusion, dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.maximum(totals, 1)
    texts = [[f"{share:.0f}" if share >= 0.5 else "" for share in row] for row in shares]
    worst = _worst_confusion(report, shares)
    return _matrix(
        report.classes, shares / 100, texts, lambda value: QUANTIZED, name, title,
        f"Percent of each true class (rows) named as each class (columns). {worst}",
    )  # fmt: skip


def _worst_confusion(report: EvaluationReport, shares: np.ndarray) -> str:
    diagonal = ", ".join(f"{name} {shares[i, i]:.0f} %" for i, name in enumerate(report.classes))
    off = shares - np.diag(np.diag(shares))
    i, j = np.unravel_index(off.argmax(), off.shape)
    mistake = f"{report.classes[i]} named {report.classes[j]}, {off[i, j]:.0f} %"
    return f"Right: {diagonal}. Most frequent mistake: {mistake}."


def confusion_difference(before: EvaluationReport, after: EvaluationReport, name: str, title: str) -> str:
    """Return the difference of two confusion matrices in faces: after minus before."""
    change = np.array(after.confusion) - np.array(before.confusion)
    scale = max(int(np.abs(change).max()), 1)
    texts = [[f"{value:+d}".replace("-", "−") if value else "·" for value in row] for row in change]
    wanted = np.where(np.eye(len(change), dtype=bool), 1, -1)
    better = int((change * wanted > 0).sum())
    return _matrix(
        after.classes, change * wanted / scale * 0.8, texts, lambda value: GAIN if value > 0 else LOSS, name, title,
        f"Faces more or fewer in each cell after quantization; {int(np.abs(change).sum()) // 2} faces moved, "
        f"{better} cells are better. On the diagonal more is better, elsewhere fewer.",
    )  # fmt: skip


def _matrix(
    classes: tuple[str, ...],
    strength: np.ndarray,
    texts: list[list[str]],
    colour_of: Callable[[float], str],
    name: str,
    title: str,
    words: str,
) -> str:
    n, names = len(classes), [label(one) for one in classes]
    with drawing():
        figure = new_figure(4.2, 3.9)
        axes = figure.subplots()
        for (i, j), value in np.ndenumerate(strength):
            if abs(value) > 0.004:
                axes.add_patch(
                    Rectangle((j, i), 0.96, 0.96, fc=colour_of(value), alpha=float(min(abs(value), 1)), lw=0)
                )
            axes.text(
                j + 0.48, i + 0.5, texts[i][j], ha="center", va="center", fontsize=9,
                color=ON_FILL if abs(value) > 0.55 else INK,
            )  # fmt: skip
        axes.set(xlim=(0, n), ylim=(n, 0), aspect="equal", xlabel="named as", ylabel="true class")
        axes.set_xticks(np.arange(n) + 0.48, names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(np.arange(n) + 0.48, names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return to_svg(figure, name, title, words)
