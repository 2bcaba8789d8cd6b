"""``toolkit data synth``."""

import json
from pathlib import Path

import click

from device.cli.commands import Command
from device.cli.options import output_options


@click.command(cls=Command)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder of the faces by split and class.",
)
@output_options(
    quiet="Print nothing.",
    overwrite="Replace existing files.",
)
def synth(out: Path, overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Write the synthetic labelled faces that ship, of no real person, for trying things out."""
    from toolkit.data.synthetic_files import write_shipped

    made = write_shipped(out, overwrite)
    if as_json:
        click.echo(json.dumps(made))
    elif not quiet:
        click.echo(f"{out}: {made['faces']} synthetic faces in {len(made['classes'])} classes")
