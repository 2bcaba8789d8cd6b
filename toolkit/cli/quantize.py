"""``toolkit quantize``: a Keras model in, a proven .tflite out."""

import click


@click.command()
@click.option("--model", required=True, metavar="FILE", help="The Keras model, such as models/best.keras.")
@click.option(
    "--data",
    metavar="DATA",
    help="Your labelled faces: some set the ranges, others measure. Default: synthetic ones.",
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
    help="Accuracy that may be lost; past it the worst layers stay in float.",
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
    type=click.Choice(["0..255", "0..1", "-1..1"]),
    help="The pixel values the model takes, where it does not rescale.",
)
@click.option(
    "--faces", default=500, show_default=True, type=click.IntRange(2), help="Representative faces to use."
)
@click.option("--seed", default=0, show_default=True, help="Which faces are chosen.")
@click.option("--untrained", is_flag=True, help="Accept a model that does not recognise the faces.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the path of the file.")
@click.option("-v", "--verbose", is_flag=True, help="Print the error of each layer too.")
def quantize(model, data, recipe, as_json, quiet, verbose, **options) -> None:
    """Quantize a Keras model, measure it against its float original, and write a .tflite."""
    import json
    from pathlib import Path

    from toolkit.quantization.quantize import Request, quantize
    from toolkit.quantization.recipe import recipe_named
    from toolkit.quantization.table import result_document, result_lines

    def names(text):
        return tuple(name.strip() for name in text.split(",")) if text else ()

    request = Request(
        Path(model),
        _faces_at(data),
        out=Path(options["out"]) if options["out"] else None,
        labels=names(options["labels"]) or None,
        pixel_range=options["scale"],
        count=options["faces"],
        **{name: options[name] for name in ("seed", "max_drop", "untrained", "overwrite")},
    )
    if recipe == "all":
        document, lines, path = _compare(request)
    else:
        chosen = recipe_named(recipe).keeping_float(names(options["keep_float"])).with_edges(options["edges"])
        result = quantize(request, chosen)
        document, lines, path = result_document(result), result_lines(result, verbose), result.path
    click.echo(json.dumps(document, indent=1) if as_json else path if quiet else "\n".join(lines))


def _compare(request):
    """Return the document, the lines and the path of the recommended file of a comparison of all recipes."""
    from toolkit.quantization.comparison import compare_recipes, comparison_lines, reasons, recommended
    from toolkit.quantization.quantize import quantize_all
    from toolkit.quantization.table import result_document

    results, impossible = quantize_all(request)
    rows = compare_recipes(results)
    choice = recommended(rows)
    document = {
        "recommended": choice.recipe,
        "reasons": reasons(rows, choice),
        "impossible": impossible,
        "rows": [row.to_json() for row in rows],
        "results": [result_document(result) for result in results],
    }
    path = next(result.path for result in results if result.recipe.name == choice.recipe)
    lines = comparison_lines(rows, results[0].measured.synthetic)
    return document, lines + [f"Not possible, {name}: {why}" for name, why in impossible.items()], path


def _faces_at(data: str | None):
    if data is None:
        from toolkit.data.synthesis import load_synthetic

        return load_synthetic()
    from toolkit.data.loading import load_dataset

    return load_dataset(data)
