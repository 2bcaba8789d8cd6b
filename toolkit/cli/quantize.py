"""``toolkit quantize``: a Keras model in, a proven .tflite out."""

import click


@click.command()
@click.option("--model", required=True, metavar="FILE", help="The Keras model, such as models/best.keras.")
@click.option("--data", metavar="DATA", help="Your representative faces; without it, synthetic ones.")
@click.option("--recipe", default="int8", show_default=True, help="How to quantize.")
@click.option(
    "--out", metavar="FILE", help="The .tflite to write.  [default: STEM_RECIPE.tflite beside the model]"
)
@click.option(
    "--labels", metavar="A,B,...", help="Names of the outputs in order, where the file does not say."
)
@click.option(
    "--scale",
    type=click.Choice(["0..255", "0..1", "-1..1"]),
    help="The pixel values the model takes, where it does not rescale by itself.",
)
@click.option(
    "--faces", default=500, show_default=True, type=click.IntRange(2), help="Representative faces to use."
)
@click.option("--seed", default=0, show_default=True, help="Which faces are chosen.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quiet", "-q", is_flag=True, help="Print the path of the written file only.")
def quantize(model, data, recipe, out, labels, scale, faces, seed, overwrite, as_json, quiet) -> None:
    """Quantize a Keras model, measure it against its float original, and write a .tflite."""
    from toolkit.quantization.quantize import quantize as run
    from toolkit.quantization.recipe import recipe_named
    from toolkit.quantization.table import print_result

    names = tuple(name.strip() for name in labels.split(",")) if labels else None
    chosen = recipe_named(recipe)
    result = run(model, out, _faces_at(data), chosen, names, scale, faces, seed, overwrite)
    print_result(result, as_json, quiet)


def _faces_at(data: str | None):
    if data is None:
        from toolkit.data.synthesis import load_synthetic

        return load_synthetic()
    from toolkit.data.loading import load_dataset

    return load_dataset(data)
