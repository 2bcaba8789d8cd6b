"""A whole quantization: options, network, faces, conversion, measurement, files, and what to say about them."""

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from device.errors import EdgeError
from device.files import write_whole
from toolkit.data.dataset import Dataset
from toolkit.data.label_sources import narrowed
from toolkit.data.learnt_faces import learnt_faces
from toolkit.data.readers.loading import SYNTHETIC, load_dataset
from toolkit.models.network import open_network
from toolkit.quantization.conversion.layers import refuse_unknown_layers
from toolkit.quantization.conversion.recipe import RECIPES
from toolkit.quantization.edgetpu.report import examine
from toolkit.quantization.litert_baseline import BASELINE, quantize_by_litert
from toolkit.quantization.options import ALL, QuantizeOptions
from toolkit.quantization.quantizer import QuantizationResult, Quantizer
from toolkit.quantization.recipe_table import compare_recipes, comparison_lines, recommended
from toolkit.quantization.representative import choose_faces
from toolkit.quantization.sanity_check import why_no_agreement
from toolkit.quantization.table import result_document, result_lines
from toolkit.results.decision import TOLERATED_DROP_POINTS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QuantizationOutcome:
    """``result``: what was written, of several the one to take; a ``document`` for programs, ``lines`` for people,
    ``verbose_lines`` with the error of each layer too."""

    result: QuantizationResult
    document: dict[str, Any]
    lines: tuple[str, ...]
    verbose_lines: tuple[str, ...]


def run(options: QuantizeOptions) -> QuantizationOutcome:
    """Quantize, measure and write. Raises EdgeError in one line; then no model is written, but where the Edge
    TPU's compiler refuses what was."""
    options.refuse_files()
    quantizer = open_quantizer(options)
    outcome = _every_recipe(quantizer, options) if options.recipe == ALL else _one_recipe(quantizer, options)
    if options.results:
        write_whole(options.results, json.dumps(outcome.document, indent=1), options.overwrite)
    return outcome


def open_quantizer(options: QuantizeOptions) -> Quantizer:
    """Open the Keras file and choose the faces; EdgeError in one line where either is not fit, the file first."""
    network = open_network(options.model, options.labels, options.pixel_range, options.input_size)
    refuse_unknown_layers(options.keep_float, network.layer_names)
    whole = faces_of(options, network.colour)
    data = narrowed(whole, None, options.label_source)
    for remark in data.remarks():
        log.info("%s", remark)
    learnt = learnt_faces(whole, network.labels, network.metadata.get("training"))
    faces = choose_faces(data, network.labels, options.representative, options.seed, learnt)
    for remark in faces.remarks():
        log.info("%s", remark)
    return Quantizer(network, faces, options.untrained)


def faces_of(options: QuantizeOptions, colour: bool) -> Dataset:
    """Return the faces of ``options`` under their own labels, by default the synthetic ones, with ``colour`` in colours
    too."""
    if isinstance(options.data, Dataset):
        return options.data
    if options.data is not None:
        log.info("reading %s", options.data)
    return load_dataset(options.data or SYNTHETIC, colour=colour)


def _one_recipe(quantizer: Quantizer, options: QuantizeOptions) -> QuantizationOutcome:
    result = quantizer.quantize(options.one_recipe, options.out, options.max_drop, options.layer_errors)
    fault = why_no_agreement(result.measured.float_probabilities, result.measured.quantized_probabilities)
    if fault and not options.untrained:
        recipe = result.recipe.name
        raise EdgeError(f"{recipe} breaks {options.model}: {fault}; try `recipe=float16`, or `max_drop=0.5`")
    result.write(options.overwrite)
    document = result_document(result)
    checked: list[str] = []
    if options.edgetpu:
        document["edgetpu"], checked = examine(result.path, options.overwrite)
    lines, verbose = result_lines(result), result_lines(result, verbose=True)
    return QuantizationOutcome(result, document, (*lines, *checked), (*verbose, *checked))


def _every_recipe(quantizer: Quantizer, options: QuantizeOptions) -> QuantizationOutcome:
    results, impossible = quantize_all(quantizer, options)
    try:
        baseline = quantize_by_litert(quantizer)
    except EdgeError as error:
        impossible[BASELINE.name], baseline = str(error), None
    log.info("timing all recipes in turn")
    rows = compare_recipes((*results, *([baseline] if baseline else [])))
    tolerated = TOLERATED_DROP_POINTS if options.max_drop is None else options.max_drop
    decision = recommended(rows[: len(results)], tolerated)
    document = {
        "recommended": decision.choice,
        "reasons": decision.reasons,
        "impossible": impossible,
        "rows": [asdict(row) for row in rows],
        "results": [result_document(result) for result in results],
    }
    lines = comparison_lines(rows, decision, results[0].measured.synthetic)
    lines += [f"Not possible, {name}: {why}" for name, why in impossible.items()]
    if results[0].note:
        lines.append(f"note: {results[0].note}")
    taken = next(result for result in results if result.recipe.name == decision.choice)
    return QuantizationOutcome(taken, document, tuple(lines), tuple(lines))


def quantize_all(
    quantizer: Quantizer, options: QuantizeOptions
) -> tuple[list[QuantizationResult], dict[str, str]]:
    """Quantize by every recipe, float32 first, and write the files; the second value: why others are not possible.

    Only int8-mixed is made to hold ``max_drop``, the others show what they lose. Raises EdgeError, and writes nothing,
    where all lose more.
    """
    results, impossible = [], {}
    for recipe in sorted(RECIPES.values(), key=lambda recipe: recipe.name != "float32"):
        try:
            limit = options.max_drop if recipe.name == "int8-mixed" else None
            results.append(quantizer.quantize(recipe, max_drop=limit, layer_errors=options.layer_errors))
        except EdgeError as error:
            if recipe.name == "float32":
                raise
            impossible[recipe.name] = str(error)
    least = min(result.measured.drop_points for result in results)
    if options.max_drop is not None and least > options.max_drop:
        raise EdgeError(
            f"every recipe loses more than {options.max_drop:g} points, the best {least:.2f}; raise `max_drop`"
        )
    for result in results:
        result.write(options.overwrite)
    return results, impossible
