"""The chart of how many faces each class has, split by split."""

import numpy as np

from toolkit.charts.svg import FLOAT, KERAS, MUTED, QUANTIZED, drawing, label, new_figure, to_svg

MOST_CLASSES = 100
BAR_COLOURS = (QUANTIZED, FLOAT, KERAS)


def class_chart(
    counts: dict[str, dict[str, int]], classes: tuple[str, ...], name: str = "classes", width_in: float = 7.2
) -> str:
    """Return horizontal bars of the faces of each class, a bar a split, as SVG with a text alternative.

    Of more than MOST_CLASSES the first are drawn.
    """
    classes = classes[:MOST_CLASSES]
    places, thickness = np.arange(len(classes)), 0.8 / len(counts)
    with drawing():
        figure = new_figure(width_in, 0.6 + 0.42 * len(classes))
        axes = figure.subplots()
        for position, (split, numbers) in enumerate(counts.items()):
            offset = (position - (len(counts) - 1) / 2) * thickness
            bars = axes.barh(
                places + offset, [numbers[key] for key in classes], thickness * 0.9,
                color=BAR_COLOURS[position], label=split,
            )  # fmt: skip
            axes.bar_label(bars, padding=3, fontsize=8, fmt="{:,.0f}")
        axes.set_yticks(places, [label(one) for one in classes])
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(counts), labelcolor=MUTED)
        spoken = "; ".join(
            f"{split}: " + ", ".join(f"{key} {numbers[key]}" for key in classes)
            for split, numbers in counts.items()
        )
        return to_svg(figure, name, "Faces of each class, by split", spoken)
