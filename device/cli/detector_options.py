"""``--detector`` and ``--detector-model``: what finds the faces of a run, and of a benchmark's loop."""

from collections.abc import Callable
from typing import Any

import click

from device.faces.detectors import detector_names


def detector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--detector`` and ``--detector-model``; None where they are not passed."""
    by_name = click.option(
        "--detector",
        type=click.Choice(detector_names()),
        help="What finds the faces.  [default: that of --detector-model's kind, else yunet, or haar if YuNet's file "
        "is missing]",
    )
    by_file = click.option(
        "--detector-model",
        metavar="FILE",
        help="The detector's own file.  [default: the packaged or fetched one]",
    )
    return by_name(by_file(command))
