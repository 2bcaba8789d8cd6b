"""``toolkit benchmark``: how fast is a model, and how much faster than another."""

import json
import logging

import click

from device.cli.commands import Command
from device.cli.options import MOST_THREADS, Whole, output_options
from toolkit.cli.model_options import model_options
from toolkit.emulation.boards import BOARDS

MOST_FACES = 4096  # in one call; some millions fill the memory

log = logging.getLogger(__name__)


@click.command(cls=Command)
@click.option(
    "--model", "models", multiple=True, required=True, help="A .tflite or .keras file; may be given again.",
    metavar="FILE",
)  # fmt: skip
@click.option(
    "--baseline", help="The model that ratios refer to. Default: the first --model.", metavar="FILE"
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    type=click.Choice(["host", *BOARDS]),
    help="Where: this machine (the default), or a board, estimated on its emulated core. May be given again.",
)
@click.option(
    "--runs",
    default=500,
    show_default=True,
    type=Whole(1),
    help="Rounds; in each, every model answers once.",
)
@click.option(
    "--warmup",
    default=50,
    show_default=True,
    type=Whole(0),
    help="Rounds before the first that counts.",
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=Whole(1, MOST_THREADS),
    help="Threads of the interpreter.",
)
@click.option("--batch", default=1, show_default=True, type=Whole(1, MOST_FACES), help="Faces in one call.")
@model_options
@click.option(
    "--out", type=click.Path(), help="Write the results here, for 'toolkit report'.", metavar="FILE"
)
@output_options(
    quiet="Print no progress and no table.",
    overwrite="Replace an existing --out.",
)
def benchmark(
    models: tuple[str, ...],
    baseline: str | None,
    targets: tuple[str, ...],
    labels: str | None,
    pixel_range: str | None,
    input_size: int | None,
    threads: int,
    out: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **counts: int,
) -> None:
    """Time models in turn (A B A B) through the code that the device runs, or estimate their time on a board."""
    from device.labels import labels_from
    from toolkit.cli.tables import print_benchmark
    from toolkit.evaluation.benchmark import benchmark_on
    from toolkit.models.options import ModelOptions
    from toolkit.outputs import refuse_output
    from toolkit.results.codec import write_results

    paths = [baseline, *models] if baseline else list(models)
    if out:
        refuse_output(out, overwrite, (*paths, labels))
    options = ModelOptions(labels_from(labels), pixel_range, input_size, threads)
    results = benchmark_on(paths, targets or ("host",), options, **counts)
    if out:
        write_results(results, out, overwrite)
        log.info(f"wrote {out}")
    if as_json:
        click.echo(json.dumps(results.to_json()))
    elif not quiet:
        print_benchmark(results)
