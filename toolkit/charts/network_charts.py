"""Charts of a network's making: its learning curves, and what quantization did to each of its layers."""

from typing import Any

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
    curves = [
        (key, curve, colour)
        for key, curve, colour in (("accuracy", "training", MUTED), ("val_accuracy", "validation", QUANTIZED))
        if history.get(key)
    ]
    if not curves:
        return None
    with drawing():
        figure = new_figure(WIDTH, 2.6)
        axes = figure.subplots()
        axes.grid(axis="y")
        for key, curve, colour in curves:
            values = [100 * value for value in history[key]]
            plot_epochs(axes, values, color=colour, label=curve, lw=1.8)
        axes.set(xlabel="epoch", ylabel="accuracy, %")
        axes.legend(loc="lower right", fontsize=9, labelcolor=INK)
        words = "; ".join(
            f"{curve}: {100 * history[key][-1]:.1f} % after {len(history[key])} epochs"
            for key, curve, _ in curves
        )
        return to_svg(figure, name, "Learning curves", words)
