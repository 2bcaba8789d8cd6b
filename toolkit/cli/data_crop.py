"""``toolkit data crop``."""

import dataclasses
import json
from pathlib import Path

import click

from device.cli.commands import Command
from device.cli.options import Whole, output_options


@click.command(cls=Command)
@click.argument("photographs", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="New folder of the faces."
)
@click.option("--size", default=48, show_default=True, type=Whole(16, 512), help="Pixels of a face's side.")
@click.option("--colour", is_flag=True, help="Keep the colours, for networks of three channels.")
@output_options(
    quiet="Print nothing.",
    overwrite="Write into a folder that holds something.",
)
def crop(
    photographs: Path, out: Path, size: int, colour: bool, overwrite: bool, as_json: bool, quiet: bool
) -> None:
    """Cut the faces out of whole photographs, as the device does: the largest face of each picture, in its class.

    PHOTOGRAPHS holds a folder for each class, under split folders or not, or parquet or tar files, or is a list of
    pictures and their labels; of a folder without classes every face is written, to be sorted.
    """
    from toolkit.data.readers.photographs import crop_photographs

    cropped = crop_photographs(photographs, out, size, overwrite, colour)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(cropped)))
    elif not quiet:
        click.echo("\n".join([f"{out}: {cropped.lines()[0]}", *cropped.lines()[1:]]))
