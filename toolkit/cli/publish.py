"""``toolkit publish``: a model as files that are ready to be uploaded."""

import json
from pathlib import Path

import click

from device.cli.commands import Command
from device.cli.options import output_options


@click.command(cls=Command)
@click.option(
    "--model", "models", multiple=True, required=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A .keras or .tflite file. Given again: further files of the same classes.",
)  # fmt: skip
@click.option(
    "--results", multiple=True, required=True, type=click.Path(), metavar="FILE",
    help="What 'toolkit evaluate --out' wrote about them. May be given again.",
)  # fmt: skip
@click.option(
    "--license", "licence", required=True, metavar="ID",
    help="Licence of the weights as the hub spells it: apache-2.0, mit, cc-by-4.0, other.",
)  # fmt: skip
@click.option("--name", default="", help="Name of the repository.  [default: that of the folder]")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="New folder of the files."
)
@output_options(
    quiet="Print nothing.",
    overwrite="Write into a folder that holds something.",
)
def publish(
    models: tuple[Path, ...],
    results: tuple[str, ...],
    licence: str,
    name: str,
    out: Path,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write models, their card, configuration and digests to a folder, ready for Hugging Face's hub.

    The card (README.md) has the measured accuracy with n and interval in the form that the hub reads. Nothing is
    uploaded; the card's last lines say how to.
    """
    from toolkit.reporting.publishing import publish as write

    digests = write(models, results, out, licence, name, overwrite)
    if as_json:
        click.echo(json.dumps({"out": str(out), "files": digests}))
    elif not quiet:
        click.echo(
            f"wrote {', '.join(digests)} and SHA256SUMS to {out}; nothing is uploaded, README.md says how"
        )
