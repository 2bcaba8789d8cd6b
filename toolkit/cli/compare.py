"""``toolkit compare``."""

import json
from pathlib import Path
from typing import Any

import click

from device.cli.commands import Command
from device.cli.options import Whole, output_options
from toolkit.emulation.boards import BOARDS


def refuse_failed(document: dict[str, Any]) -> None:
    """Raise EdgeError where some trainings of a comparison failed: the others are on its page."""
    from device.errors import EdgeError

    failed = len(document["failed"])
    trained = sum(len(row["by_seed"]) for row in document["ranking"])
    if failed:
        raise EdgeError(f"{failed} of {failed + trained} trainings failed; the page has the others")


@click.command(cls=Command)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Folders by split and class, fer2013.csv, parquet or tar files; measured on the test split, else validation.",
)
@click.option(
    "--arch",
    "archs",
    multiple=True,
    help="Architectures, comma-separated: names of --list-archs of train, FILE.py[:build], .keras files.",
)
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=V1,V2",
    help="A key of a recipe (docs/RECIPES.md) and its values: every architecture with each; repeat for combinations.",
)
@click.option(
    "--variants",
    "file",
    type=click.Path(path_type=Path),
    help="TOML file with a table of recipe keys a variant; keys above the tables are common to all.",
)
@click.option("--seeds", type=Whole(1, 100), default=1, show_default=True, help="Trainings of each variant.")
@click.option("--epochs", type=int, help="Times through the training faces.  [default: 60]")
@click.option("--classes", help="Only these classes, comma-separated, in this order.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/compare"), show_default=True)
@click.option(
    "--target",
    "targets",
    multiple=True,
    type=click.Choice(list(BOARDS)),
    help="Board whose time is estimated.",
)
@click.option("--no-int8", is_flag=True, help="Quantize and time nothing.")
@output_options(quiet="No progress.")
def compare(
    data: Path,
    archs: tuple[str, ...],
    vary: tuple[str, ...],
    file: Path | None,
    seeds: int,
    epochs: int | None,
    classes: str | None,
    out: Path,
    targets: tuple[str, ...],
    no_int8: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train several networks, or one in several ways, and put them side by side on one page.

    Started again, it goes on: what is done is passed over.
    """
    from toolkit.comparison.comparison import ComparisonRequest
    from toolkit.comparison.comparison import compare as run_comparison
    from toolkit.comparison.page import PAGE
    from toolkit.comparison.variants import make_variants
    from toolkit.data.class_names import checked_classes

    common: dict[str, Any] = {} if epochs is None else {"epochs": epochs}
    request = ComparisonRequest(
        data,
        out,
        make_variants(archs, vary, file),
        seeds=seeds,
        common=common,
        classes=checked_classes(classes, fewest=2) if classes else None,
        targets=targets,
        quantize=not no_int8,
    )
    document = run_comparison(request)
    if as_json:
        click.echo(json.dumps(document))
        refuse_failed(document)
        return
    for row in document["ranking"]:
        low, high = (100 * bound for bound in row["interval"])
        click.echo(f"{row['name']}: {100 * row['accuracy']:.1f} % (95 % interval {low:.1f} to {high:.1f})")
    for run in document["failed"]:
        click.echo(f"{run['name']}, seed {run['seed']}: failed: {run['error']}")
    click.echo(f"{out / PAGE}: {document['faces']:,} faces of the {document['split']} split")
    refuse_failed(document)
