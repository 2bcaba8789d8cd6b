"""``device benchmark``: how fast models run on this device."""

import click


@click.command()
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="FILE",
    help="A .tflite; may be given several times.  [default: the packaged model]",
)
@click.option(
    "--runs",
    default=500,
    show_default=True,
    type=click.IntRange(1),
    help="Measured inferences of each model.",
)
@click.option(
    "--warmup", default=50, show_default=True, type=click.IntRange(0), help="Inferences before measuring."
)
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1), help="Threads of each inference."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def benchmark(models, runs, warmup, threads, as_json) -> None:
    """Time single inferences, crop to probabilities, of one model or of several in turn (A B A B ...)."""
    import json

    from device.benchmark import benchmark_document, document_lines
    from device.model import load_model

    loaded = [load_model(path, threads=threads, allow_unlabelled=True) for path in models or (None,)]
    document = benchmark_document(loaded, runs, warmup)
    click.echo(json.dumps(document, indent=1) if as_json else "\n".join(document_lines(document)))
