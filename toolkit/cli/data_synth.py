"""``toolkit data synth``."""

import json
from pathlib import Path

import click

from device.cli.output_options import output_options


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder of the faces by split and class; with --fit, a PNG sheet of them.",
)
@click.option(
    "--fit",
    "fit_on",
    type=click.Path(path_type=Path),
    metavar="DATA",
    help="Fit a new model of faces on the 'train' faces of DATA and sample that, minutes; "
    "without it: the faces that ship with the toolkit.",
)
@click.option("--faces", type=int, help="With --fit: faces a class, a multiple of 16.  [default: 64]")
@click.option(
    "--seed", type=click.IntRange(min=0), help="With --fit: seed of everything random.  [default: 0]"
)
@output_options(
    quiet="Print nothing.",
    overwrite="Replace existing files.",
)
def synth(out, fit_on, overwrite, as_json, quiet, **choices) -> None:
    """Write synthetic labelled faces, of no real person, for trying things out."""
    from device.errors import UsageError
    from toolkit.data.synthetic_files import write_fitted, write_shipped

    say = (lambda line: None) if quiet else (lambda line: click.echo(line, err=True))
    chosen = {name: value for name, value in choices.items() if value is not None}
    if chosen and not fit_on:
        raise UsageError(
            f"--{next(iter(chosen)).replace('_', '-')} needs --fit DATA; the shipped faces are made"
        )
    if fit_on:
        made = write_fitted(fit_on, out, overwrite=overwrite, progress=say, **chosen)
    else:
        made = write_shipped(out, overwrite)
    if as_json:
        click.echo(json.dumps(made))
    elif not quiet:
        click.echo(f"{out}: {made['faces']} synthetic faces in {len(made['classes'])} classes")
