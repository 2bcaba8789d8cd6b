"""``toolkit quantize``: a Keras model in, a measured .tflite out."""

from pathlib import Path
from typing import Any

import click

from device.cli.commands import Command
from device.cli.messages import as_options
from device.cli.options import Number, Whole, output_options
from toolkit.cli.former import former_spelling
from toolkit.cli.model_options import model_options


@click.command(cls=Command)
@click.option("--model", required=True, metavar="FILE", help="The Keras model, such as runs/one/best.keras.")
@click.option(
    "--data",
    metavar="DATA",
    help="Your labelled faces: some set the ranges, others measure. Default: synthetic ones.",
)
@click.option(
    "--label-source",
    type=click.Choice(["own", "ferplus"]),
    default="own",
    show_default=True,
    help="Labels of --data itself, or the majority of the FER+ votes beside it.",
)
@click.option(
    "--recipe",
    default="int8",
    show_default=True,
    help="int8, float16, dynamic, int8-mixed, int16x8, float32, or all to compare; with Google's litert "
    "command installed, its int8 too.",
)
@click.option(
    "--out", metavar="FILE", help="The .tflite to write. Default: STEM_RECIPE.tflite beside the model."
)
@click.option(
    "--max-drop",
    type=Number(0),
    metavar="POINTS",
    help="Accuracy that may be lost; past it the worst layers stay in float. "
    "With --recipe all: by the recommended one.",
)
@click.option("--keep-float", metavar="A,B,...", help="Layers that stay in float32, by name.")
@click.option(
    "--io-dtype",
    type=click.Choice(["int8", "uint8"]),
    is_eager=True,
    help="Type of input and output of int8 recipes. Default: int8.",
)
@former_spelling("--edges", "io_dtype", type=click.Choice(["int8", "uint8"]))
@model_options
@click.option(
    "--representative",
    default=200,
    show_default=True,
    type=Whole(2),
    is_eager=True,
    help="How many faces set the ranges.",
)
@former_spelling("--faces", "representative", type=Whole(2))
@click.option("--seed", default=0, show_default=True, type=Whole(0), help="Which faces are chosen.")
@click.option(
    "--edgetpu", is_flag=True, help="Check each operator for the Coral Edge TPU; compile where possible."
)
@click.option("--results", metavar="FILE", help="Write what was measured as JSON too, for 'toolkit report'.")
@click.option("--untrained", is_flag=True, help="Accept a model that does not recognise the faces.")
@output_options(quiet="Print only the path of the file.", overwrite="Replace existing files.")
@click.option("-v", "--verbose", is_flag=True, help="Print the error of each layer too.")
def quantize(
    model: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    labels: str | None,
    keep_float: str | None,
    out: str | None,
    results: str | None,
    **options: Any,
) -> None:
    """Quantize a Keras model, measure it against its float original, and write a .tflite."""
    import json

    from device.labels import labels_from
    from toolkit.outputs import refuse_input
    from toolkit.quantization.options import QuantizeOptions, layer_names

    if results:
        refuse_input(results, (labels,))
    asked = QuantizeOptions(
        model=Path(model),
        out=Path(out) if out else None,
        results=Path(results) if results else None,
        labels=labels_from(labels),
        keep_float=layer_names(keep_float),
        layer_errors=verbose or as_json or results is not None,
        **options,
    )
    asked.refuse_files()  # before TensorFlow is imported, which takes its time
    from toolkit.quantization.run import run

    outcome = run(asked)
    lines = outcome.verbose_lines if verbose else outcome.lines
    text = json.dumps(outcome.document, indent=1) if as_json else as_options("\n".join(lines))
    click.echo(outcome.result.path if quiet else text)
