"""The options that tell of a model what its file does not: labels, pixel range and input size."""

from collections.abc import Callable
from typing import Any

import click

from device.cli.options import Whole
from device.model.pixel_ranges import PIXEL_RANGES
from toolkit.cli.former import former_spelling

RANGES = click.Choice(list(PIXEL_RANGES))


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--labels``, ``--pixel-range`` and ``--input-size``; ``--scale``, as ``--pixel-range`` was called
    first, is hidden."""
    options = (
        click.option(
            "--labels",
            metavar="FILE|A,B,...",
            help="Names of the outputs in order, where the model does not tell.",
        ),
        click.option(
            "--pixel-range",
            type=RANGES,
            is_eager=True,
            help="The pixel values a model takes, where its file does not tell; caffe and torch are those of "
            "preprocess_input of keras.applications, for three channels. Default: found by trying.",
        ),
        former_spelling("--scale", "pixel_range", type=RANGES),
        click.option(
            "--input-size",
            type=Whole(1, 4096),
            metavar="PIXELS",
            help="Side of the pictures, for a Keras model that takes any size.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
