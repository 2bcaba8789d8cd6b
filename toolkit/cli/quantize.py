"""``toolkit quantize``: a Keras model in, a proven .tflite out."""

import click

from device.cli.output_options import output_options


@click.command()
@click.option("--model", required=True, metavar="FILE", help="The Keras model, such as models/best.keras.")
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
    help="int8, float16, dynamic, int8-mixed, int16x8, float32, or all to compare.",
)
@click.option(
    "--out", metavar="FILE", help="The .tflite to write. Default: STEM_RECIPE.tflite beside the model."
)
@click.option(
    "--max-drop",
    type=click.FloatRange(0),
    metavar="POINTS",
    help="Accuracy that may be lost; past it the worst layers stay in float. "
    "With --recipe all: by the recommended one.",
)
@click.option("--keep-float", metavar="A,B,...", help="Layers that stay in float32, by name.")
@click.option(
    "--edges",
    type=click.Choice(["int8", "uint8"]),
    help="Type of input and output of int8 recipes. Default: int8.",
)
@click.option(
    "--labels", metavar="A,B,...", help="Names of the outputs in order, where the file does not say."
)
@click.option(
    "--scale",
    "pixel_range",
    type=click.Choice(["0..255", "0..1", "-1..1"]),
    help="The pixel values the model takes, where it does not rescale.",
)
@click.option(
    "--faces",
    "count",
    default=200,
    show_default=True,
    type=click.IntRange(2),
    help="Representative faces to use.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Which faces are chosen.")
@click.option(
    "--edgetpu", is_flag=True, help="Check each operator for the Coral Edge TPU; compile where possible."
)
@click.option("--results", metavar="FILE", help="Write what was measured as JSON too, for 'toolkit report'.")
@click.option("--untrained", is_flag=True, help="Accept a model that does not recognise the faces.")
@output_options(quiet="Print only the path of the file.", overwrite="Replace existing files.")
@click.option("-v", "--verbose", is_flag=True, help="Print the error of each layer too.")
def quantize(model, data, label_source, as_json, quiet, **options) -> None:
    """Quantize a Keras model, measure it against its float original, and write a .tflite."""
    import json
    from pathlib import Path

    from toolkit.models.keras_file import verify_keras_file
    from toolkit.quantization.quantize import Request
    from toolkit.quantization.run import Wish, faces_at, fulfil, refuse_outputs

    for name in ("labels", "keep_float"):
        options[name] = tuple(part.strip() for part in (options[name] or "").split(",") if part.strip())
    for name in ("out", "results"):
        options[name] = Path(options[name]) if options[name] else None
    names = ("recipe", "keep_float", "edges", "edgetpu", "results", "verbose")
    wish = Wish(**{name: options.pop(name) for name in names})
    refuse_outputs(wish, Path(model), data, options["out"], options["overwrite"])
    verify_keras_file(Path(model))
    progress = (lambda step: None) if quiet or as_json else lambda step: click.echo(step, err=True)
    request = Request(Path(model), faces_at(data, label_source, progress), progress=progress, **options)
    outcome = fulfil(request, wish)
    text = json.dumps(outcome.document, indent=1) if as_json else "\n".join(outcome.lines)
    click.echo(outcome.path if quiet else text)
