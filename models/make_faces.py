"""The synthetic faces that ship: a sheet fitted on real faces, and the smaller sheet of the device's demo source.

python models/make_faces.py sheet --data fer2013.csv --out sheet.png    # FER+ votes beside the CSV; minutes
python models/make_faces.py demo --out demo_faces.png                   # out of the shipped sheet
"""

import json
from pathlib import Path

import click
from synthetic.demo_sheet import pick_demo_faces
from synthetic.fitting import FACES_PER_CLASS, fit_and_sample
from synthetic.sheet import SHEET_COLUMNS, write_sheet

from device.cli.ending import run_command_line
from device.errors import UsageError
from toolkit.data.readers.loading import load_dataset
from toolkit.data.synthesis import load_synthetic
from toolkit.outputs import refuse_output

OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG file to write.")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace an existing file.")


@click.group()
def make_faces() -> None:
    """Make the synthetic faces that ship."""


@make_faces.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Real faces to fit on.")
@click.option("--faces", default=FACES_PER_CLASS, help="Faces a class.", show_default=True)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="Seed of everything random.", show_default=True
)
@OUT
@OVERWRITE
def sheet(data: Path, faces: int, seed: int, out: Path, overwrite: bool) -> None:
    """Fit a model of faces on the 'train' faces of DATA, sample it, and print how it went as JSON."""
    refuse_output(out, overwrite, (data,), suffix=".png")
    if faces < 1 or faces % SHEET_COLUMNS:
        raise UsageError(
            f"--faces is {faces}; expected a multiple of {SHEET_COLUMNS}: the sheet has as many a row"
        )
    synthesis = fit_and_sample(load_dataset(data), faces, seed)
    write_sheet(synthesis.faces.images, out, overwrite=overwrite)
    click.echo(json.dumps(synthesis.to_json()))


@make_faces.command()
@OUT
@OVERWRITE
def demo(out: Path, overwrite: bool) -> None:
    """Write four faces a class of the shipped sheet: those that OpenCV's frontal-face cascade finds most surely."""
    refuse_output(out, overwrite, suffix=".png")
    faces, shares = pick_demo_faces(load_synthetic())
    write_sheet(faces, out, columns=len(faces) // 7, overwrite=overwrite)
    click.echo(f"{out}: found in {shares.min():.0%} to {shares.max():.0%} of the trials")


if __name__ == "__main__":
    run_command_line(make_faces, "make_faces.py")
