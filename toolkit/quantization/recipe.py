"""How a network may be quantized, by name."""

from dataclasses import dataclass
from pathlib import Path

from device.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """What the numbers of a quantized network are.

    ``weights`` and ``activations``: their types; ``edges``: the type of input and output; ``calibrated``:
    whether representative faces set the ranges of the activations; ``kept_float``: layers that stay in
    float32, by name.
    """

    name: str
    weights: str
    activations: str
    edges: str
    calibrated: bool
    summary: str
    kept_float: tuple[str, ...] = ()


RECIPES = {
    recipe.name: recipe
    for recipe in (Recipe("int8", "int8", "int8", "int8", True, "full integer, int8 in and out"),)
}


def recipe_named(name: str) -> Recipe:
    """Return the recipe called ``name``; UsageError if there is none."""
    if name not in RECIPES:
        raise UsageError(f"no recipe '{name}'; there are: {', '.join(RECIPES)}")
    return RECIPES[name]


def quantized_path(model: Path, recipe: Recipe) -> Path:
    """Return where the quantized ``model`` goes by default: ``STEM_RECIPE.tflite`` beside it."""
    return model.with_name(f"{model.stem}_{recipe.name.replace('-', '_')}.tflite")
