"""Curves over the epochs of a training."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator


def plot_epochs(axes: Axes, values: Sequence[float], **style: Any) -> None:
    """Plot a number an epoch, the first of epoch 1, in matplotlib's ``style`` of a line; of one epoch a point."""
    axes.plot(range(1, len(values) + 1), values, marker="o" if len(values) == 1 else "", **style)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
