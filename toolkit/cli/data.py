"""``toolkit data``: the labelled faces themselves."""

import click

from device.cli.commands import LazyGroup

COMMANDS = {
    "crop": "toolkit.cli.data_crop:crop",
    "inspect": "toolkit.cli.data_inspect:inspect",
    "synth": "toolkit.cli.data_synth:synth",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def data() -> None:
    """Look at labelled faces, cut them out of photographs, or make synthetic ones."""
