"""``device benchmark``: how fast models run on this device."""

import click

from device.cli.commands import Command
from device.cli.detector_options import detector_options
from device.cli.options import MOST_THREADS, Number, Whole, delegate_option, output_options
from device.errors import refuse_without
from device.runtime.options import RunOptions


@click.command(cls=Command)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="FILE",
    help="A .tflite; may be given several times.  [default: the installed one, else the packaged]",
)
@delegate_option
@click.option(
    "--runs",
    default=500,
    show_default=True,
    type=Whole(1),
    help="Measured inferences of each model.",
)
@click.option("--warmup", default=50, show_default=True, type=Whole(0), help="Inferences before measuring.")
@click.option(
    "--threads",
    default=RunOptions.threads,
    show_default=True,
    type=Whole(1, MOST_THREADS),
    help="Threads of each inference.",
)
@click.option(
    "--loop",
    "loop_s",
    type=Number(1),
    metavar="SECONDS",
    help="Also time the frame loop, from camera to label, for this long.",
)
@click.option("--source", help="What --loop looks at.  [default: demo:live]")
@detector_options
@output_options(quiet=None)
def benchmark(
    models: tuple[str, ...],
    delegate: str | None,
    runs: int,
    warmup: int,
    threads: int,
    loop_s: float | None,
    source: str | None,
    detector: str | None,
    detector_model: str | None,
    as_json: bool,
) -> None:
    """Time single inferences, crop to probabilities, of one model or of several in turn (A B A B ...).

    With --loop the first model is also timed from camera to label; figures are steady after half a minute. The board's
    temperature and throttling are reported before and after.
    """
    import json

    from device.model.expression_model import load_model
    from device.runtime.benchmark import benchmark_document, document_lines
    from device.service.model_store import model_in_use

    if loop_s is None:
        refuse_without("loop", "SECONDS", source=source, detector=detector, detector_model=detector_model)
    paths = models or (model_in_use(),)
    loaded = [load_model(path, threads=threads, allow_unlabelled=True, delegate=delegate) for path in paths]
    if loop_s is not None:
        from device.runtime.loop_benchmark import benchmark_loop
        from device.runtime.refusals import check_options

        first = str(loaded[0].path)  # named, so that no start of a model on trial is counted
        options = RunOptions(
            source or "demo:live",
            first,
            detector=detector,
            detector_model=detector_model,
            threads=threads,
            delegate=delegate,
        )
        check_options(options)
    document = benchmark_document(loaded, runs, warmup)
    lines = document_lines(document)
    if loop_s is not None:
        document["loop"], told = benchmark_loop(loop_s, options)
        lines += told
    click.echo(json.dumps(document, indent=1) if as_json else "\n".join(lines))
