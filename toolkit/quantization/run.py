"""What ``toolkit quantize`` was asked for, done: a document for programs and lines for people."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import UsageError
from device.files import write_whole
from toolkit.outputs import refuse_output
from toolkit.quantization.comparison import compare_recipes, comparison_lines, recommended
from toolkit.quantization.edgetpu_report import examine
from toolkit.quantization.quantize import Request, quantize, quantize_all
from toolkit.quantization.recipe import RECIPES, Recipe, quantized_path, recipe_named
from toolkit.quantization.table import result_document, result_lines
from toolkit.results.decision import TOLERATED_DROP_POINTS

ALL = "all"


@dataclass(frozen=True)
class Outcome:
    """``path``: the file that was written, of several the one to take."""

    path: Path
    document: dict[str, Any]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """How to quantize. ``recipe``: a recipe's name or 'all'; ``results``: where the document goes too, or
    None.
    """

    recipe: str = "int8"
    keep_float: tuple[str, ...] = ()
    edges: str | None = None
    edgetpu: bool = False
    results: Path | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.recipe == ALL and (self.keep_float or self.edges or self.edgetpu):
            raise UsageError("--recipe all takes no --keep-float, --edges or --edgetpu; name one recipe")
        if self.edgetpu and self.recipe != "int8":
            raise UsageError(f"--edgetpu needs a full integer model; leave out --recipe {self.recipe}")

    def one_recipe(self) -> Recipe:
        """Return the recipe, unless it is 'all', with what was chosen beside its name; UsageError if there is none."""
        return recipe_named(self.recipe).keeping_float(self.keep_float).with_edges(self.edges)


def refuse_outputs(wish: Wish, model: Path, data: str | None, out: Path | None, overwrite: bool) -> None:
    """Raise EdgeError if a file to write may not be: ``out``, those beside ``model`` without it, the results."""
    recipes = RECIPES.values() if wish.recipe == ALL else (wish.one_recipe(),)
    for path in [out] if out else [quantized_path(model, recipe) for recipe in recipes]:
        refuse_output(path, overwrite, (model, data), ".tflite")
        if wish.results and path.resolve() == wish.results.resolve():
            raise UsageError(f"--results would replace the model at {path}; choose another name")
    if wish.results:
        refuse_output(wish.results, overwrite, (model, data))


def fulfil(request: Request, wish: Wish) -> Outcome:
    """Quantize, measure and write. Raises EdgeError in one line."""
    outcome = _all_recipes(request) if wish.recipe == ALL else _one_recipe(request, wish)
    if wish.results:
        write_whole(wish.results, json.dumps(outcome.document, indent=1), request.overwrite)
    return outcome


def _one_recipe(request: Request, wish: Wish) -> Outcome:
    result = quantize(request, wish.one_recipe())
    document, lines = result_document(result), result_lines(result, wish.verbose)
    if wish.edgetpu:
        document["edgetpu"], more = examine(result.path, request.overwrite)
        lines += more
    return Outcome(result.path, document, tuple(lines))


def _all_recipes(request: Request) -> Outcome:
    found = quantize_all(request)
    request.progress("timing all recipes in turn")
    peers = (found.peer,) if found.peer else ()
    rows = compare_recipes((*found.results, *peers))
    tolerated = TOLERATED_DROP_POINTS if request.max_drop is None else request.max_drop
    decision = recommended(rows[: len(found.results)], tolerated)
    document = {
        "recommended": decision.choice,
        "reasons": decision.reasons,
        "impossible": found.impossible,
        "rows": [row.to_json() for row in rows],
        "results": [result_document(result) for result in found.results],
    }
    lines = comparison_lines(rows, decision, found.results[0].measured.synthetic)
    lines += [f"Not possible, {name}: {why}" for name, why in found.impossible.items()]
    path = next(result.path for result in found.results if result.recipe.name == decision.choice)
    return Outcome(path, document, tuple(lines))


def faces_at(data: str | None, label_source: str, progress: Callable[[str], None]):
    """Return the labelled faces at ``data``, or the shipped synthetic ones; remarks about them are progress."""
    from toolkit.data.loading import SYNTHETIC, load_dataset

    if data is not None:
        progress(f"reading {data}")
    dataset = load_dataset(data or SYNTHETIC, label_source=label_source)
    for remark in dataset.remarks():
        progress(remark)
    return dataset
