"""Charts of a network's making: its learning curves, and what quantization did to each of its layers."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from toolkit.charts.charts import WIDTH
from toolkit.charts.epochs import plot_epochs
from toolkit.charts.svg import INK, LOSS, MUTED, QUANTIZED, drawing, label, new_figure, to_svg

MOST_LAYERS = 60  # of more, those that change the probabilities most


def layer_errors(layers: list[dict[str, Any]], name: str) -> str:
    """Return a bar a layer, in the order of the network: what its quantization alone does to the probabilities."""
    layers = (
        sorted(layers, key=lambda layer: -layer["damage"])[:MOST_LAYERS]
        if len(layers) > MOST_LAYERS
        else layers
    )
    damage = [100 * layer["damage"] for layer in layers]
    worst = max(layers, key=lambda layer: layer["damage"])
    with drawing():
        figure = new_figure(WIDTH, 0.7 + 0.24 * len(layers))
        axes = figure.subplots()
        axes.grid(axis="x")
        for place, (layer, value) in enumerate(zip(layers, damage, strict=True)):
            axes.barh(place, value, color=LOSS if layer is worst else QUANTIZED, height=0.6)
            axes.text(value, place, f" {layer['snr_db']:.0f} dB", va="center", fontsize=8, color=MUTED)
        axes.set_yticks(range(len(layers)), [label(layer["name"]) for layer in layers], color=INK, fontsize=9)
        axes.set(ylim=(len(layers) - 0.5, -0.5), xlim=(0, 1.18 * max(*damage, 1e-6)))
        axes.set_xlabel("change of a probability, points")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        words = [f"{one['name']}: {100 * one['damage']:.2g} points, {one['snr_db']:.0f} dB" for one in layers]
        return to_svg(figure, name, "Error of each layer", f"Worst: {worst['name']}. {'; '.join(words)}")


def learning_curves(history: dict[str, list[float]], name: str) -> str | None:
    """Return accuracy over epochs, training and validation; None where the history has neither."""
    named = {"training": history.get("accuracy"), "validation": history.get("val_accuracy")}
    curves = {name: values for name, values in named.items() if values}
    if not curves:
        return None
    with drawing():
        figure = new_figure(WIDTH, 2.6)
        axes = figure.subplots()
        axes.grid(axis="y")
        _plot_accuracy(axes, curves)
        axes.set(xlabel="epoch", ylabel="accuracy, %")
        axes.legend(loc="lower right", fontsize=9, labelcolor=INK)
        words = [f"{name}: {100 * of[-1]:.1f} % after {len(of)} epochs" for name, of in curves.items()]
        return to_svg(figure, name, "Learning curves", "; ".join(words))


def accuracy_panels(histories: Mapping[str, Mapping[str, Sequence[float]]], name: str) -> str:
    """Return a panel a network by its name: accuracy over epochs, 'training' beside 'validation', on the same axes."""
    columns = min(3, len(histories))
    lines = -(-len(histories) // columns)
    with drawing():
        figure = new_figure(2.6 * columns, 2.1 * lines)
        panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, (title, curves) in zip(panels, histories.items(), strict=False):
            _plot_accuracy(axes, curves)
            axes.set_title(title, fontsize=9, color=INK)
            axes.grid(axis="y")
        for axes in panels[len(histories) :]:
            axes.set_visible(False)
        panels[0].legend(loc="lower right", fontsize=8, labelcolor=INK)
        panels[0].set_ylabel("accuracy, %")
        figure.supxlabel("epoch", fontsize=9)
        words = [
            f"{title}: " + ", ".join(f"{curve} {100 * of[-1]:.1f} %" for curve, of in curves.items())
            for title, curves in histories.items()
        ]
        return to_svg(figure, name, "Accuracy over the epochs", "; ".join(words))


def _plot_accuracy(axes: Axes, curves: Mapping[str, Sequence[float]]) -> None:
    """Plot shares an epoch in percent, the curves 'training' and 'validation' in their colours."""
    for name, values in curves.items():
        colour = {"training": MUTED, "validation": QUANTIZED}[name]
        plot_epochs(axes, [100 * value for value in values], color=colour, label=name, lw=1.8)
