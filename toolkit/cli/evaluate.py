"""``toolkit evaluate``: how well does a model name faces."""

import json
import logging

import click

from device.cli.commands import Command
from device.cli.options import delegate_option, output_options
from device.faces.detectors import detector_names
from toolkit.cli.model_options import model_options

log = logging.getLogger(__name__)


@click.command(cls=Command)
@click.option(
    "--model", "models", multiple=True, required=True, metavar="FILE",
    help="A .keras or .tflite file. Given again: further models are compared with the first, face by face.",
)  # fmt: skip
@click.option(
    "--data",
    metavar="DATA",
    help="Cut-out faces: folders by split and class, a fer2013.csv, parquet or tar files, or 'synthetic'.",
)
@click.option(
    "--frames",
    metavar="DIR",
    help="Whole photographs and clips through the device's detector, alignment, crop and network: found, named right, "
    "by size, tilt and light. A folder a class (the largest face counts), or photographs with boxes in faces.json. "
    "With --data: both are measured.",
)
@click.option(
    "--detector",
    type=click.Choice(detector_names()),
    help="What finds the faces of --frames.  [default: yunet; haar where YuNet's file is missing]",
)
@click.option(
    "--split", type=click.Choice(["test", "validation", "train", "all"]),
    help="Faces to evaluate on. Default: test, else validation, else all.",
)  # fmt: skip
@click.option(
    "--label-source", type=click.Choice(["own", "ferplus"]), default="own", show_default=True,
    help="Labels of the data itself, or the majority of the FER+ votes beside it, 8 classes.",
)  # fmt: skip
@click.option(
    "--classes", help="Evaluate on these classes only, comma-separated; models are held to them too."
)
@delegate_option
@model_options
@click.option(
    "--robustness", is_flag=True,
    help="Also on corrupted faces: turned, blurred, noisy, dark, over-exposed, covered, small, JPEG.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(), help="Write the results here, for 'toolkit report'.", metavar="FILE"
)
@output_options(
    quiet="Print no progress and no table.",
    overwrite="Replace an existing --out.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print confusion matrices too.")
def evaluate(
    models: tuple[str, ...],
    data: str | None,
    frames: str | None,
    detector: str | None,
    split: str | None,
    label_source: str,
    labels: str | None,
    classes: str | None,
    delegate: str | None,
    pixel_range: str | None,
    input_size: int | None,
    robustness: bool,
    out: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure accuracy on labelled faces (--data), on whole pictures (--frames), or on both."""
    from device.errors import UsageError, refuse_without
    from device.labels import labels_from
    from toolkit.cli.tables import print_evaluation
    from toolkit.data.class_names import checked_classes
    from toolkit.data.label_sources import OWN_LABELS
    from toolkit.evaluation.evaluate import evaluate_models
    from toolkit.evaluation.whole_way import with_whole_way
    from toolkit.models.options import ModelOptions
    from toolkit.outputs import refuse_output
    from toolkit.results.codec import write_results
    from toolkit.results.types import Results

    if not (data or frames):
        raise UsageError(
            "nothing to evaluate on; pass --data DATA (faces), --frames DIR (whole pictures) or both"
        )
    if not frames:
        refuse_without("frames", "DIR", detector=detector)
    if not data:
        own = label_source == OWN_LABELS
        refuse_without("data", "DATA", split=split, label_source=not own, robustness=robustness)
    if out:
        refuse_output(out, overwrite, (*models, data, frames, labels))
    options = ModelOptions(labels_from(labels), pixel_range, input_size, delegate=delegate)
    chosen = checked_classes(classes, fewest=2) if classes else None
    results = Results((), "evaluate")
    if data:
        results = evaluate_models(list(models), data, split, chosen, label_source, robustness, options)
    if frames:
        results = with_whole_way(results, list(models), frames, detector, chosen, options)
    if out:
        write_results(results, out, overwrite)
        log.info(f"wrote {out}")
    if as_json:
        click.echo(json.dumps(results.to_json()))
    elif not quiet:
        print_evaluation(results, verbose)
