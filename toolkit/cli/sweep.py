"""``toolkit sweep``."""

import json
from pathlib import Path

import click

from device.cli.commands import Command
from device.cli.options import Whole, output_options


@click.command(cls=Command)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Folders by split and class, fer2013.csv, parquet or tar files; trials are chosen by its validation faces.",
)
@click.option(
    "--space",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML file of recipe keys (docs/RECIPES.md): a value for all trials, a list, or {low = , high = }.",
)
@click.option(
    "--trials",
    type=Whole(1, 100_000),
    default=30,
    show_default=True,
    help="Trials in all, those of other workers and earlier calls counted.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/sweep"),
    show_default=True,
    help="Folder of the study and its trials; every worker that is started on it takes part.",
)
@output_options(quiet="No progress.")
def sweep(data: Path, file: Path, trials: int, out: Path, as_json: bool, quiet: bool) -> None:
    """Look for the options that train best, with Optuna; epochs that fall behind end a trial.

    Started again, it goes on; started several times, at once or on several machines, the workers share the trials.
    """
    from toolkit.comparison.space import read_space
    from toolkit.quiet_tensorflow import import_quietly

    space = read_space(file)
    import_quietly()
    from toolkit.comparison.sweep import SweepRequest, spelled
    from toolkit.comparison.sweep import sweep as run_sweep

    document = run_sweep(SweepRequest(data, out, space, trials))
    if as_json:
        click.echo(json.dumps(document))
        return
    counts = ", ".join(f"{count} {state}" for state, count in document["states"].items())
    click.echo(f"{len(document['trials'])} trials: {counts}")
    if best := document["best"]:
        value, options = best["validation_loss"], spelled(best["options"])
        click.echo(f"{best['model']}: validation loss {value:.4f} with {options}")
