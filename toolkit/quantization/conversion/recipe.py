"""How a network may be quantized, by name."""

from dataclasses import dataclass, replace
from pathlib import Path

from device.errors import UsageError

IO_DTYPES = ("int8", "uint8")


@dataclass(frozen=True)
class Recipe:
    """What the numbers of a quantized network are.

    ``weights``, ``activations`` and ``io_dtype`` (input and output): their types; ``kept_float``: layers that stay
    in float32, by name.
    """

    name: str
    weights: str
    activations: str
    io_dtype: str
    summary: str
    kept_float: tuple[str, ...] = ()
    equalized: bool = False

    @property
    def integer(self) -> bool:
        """Whether activations are int8, but for layers kept in float."""
        return self.activations == "int8"

    @property
    def calibrated(self) -> bool:
        """Whether representative faces set the ranges of the activations."""
        return self.activations != "float32"

    def with_io_dtype(self, io_dtype: str | None) -> "Recipe":
        """Return the recipe with input and output of type ``io_dtype``; UsageError where its activations are no
        int8.
        """
        if io_dtype is None:
            return self
        if not self.integer or io_dtype not in IO_DTYPES:
            raise UsageError(
                f"{self.name} has {self.io_dtype} input and output; {' or '.join(IO_DTYPES)} are a choice of int8 only"
            )
        return replace(self, io_dtype=io_dtype)

    def keeping_float(self, layers: tuple[str, ...]) -> "Recipe":
        """Return the recipe with ``layers`` in float32."""
        if layers and not self.integer:
            raise UsageError(f"{self.name} keeps no layers in float; use `recipe=int8-mixed`")
        if not layers:
            return self
        return replace(RECIPES["int8-mixed"], io_dtype=self.io_dtype, kept_float=layers)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("float32", "float32", "float32", "float32", "not quantized, the baseline"),
        Recipe("float16", "float16", "float32", "float32", "half the size, float arithmetic"),
        Recipe("dynamic", "int8", "float32", "float32", "int8 weights, ranges measured at each inference"),
        Recipe("int8", "int8", "int8", "int8", "full integer, int8 in and out"),
        Recipe("int8-mixed", "int8", "int8", "int8", "int8, the layers that lose most kept in float32"),
        Recipe("int16x8", "int8", "int16", "float32", "int8 weights, int16 activations"),
    )
}


def recipe_named(name: str) -> Recipe:
    """Return the recipe called ``name``; UsageError if there is none."""
    if name not in RECIPES:
        raise UsageError(f"no recipe '{name}'; there are: {', '.join(RECIPES)}, and 'all' to compare them")
    return RECIPES[name]


def quantized_path(model: Path, recipe: Recipe) -> Path:
    """Return where the quantized ``model`` goes by default: ``STEM_RECIPE.tflite`` beside it.

    Raises UsageError for a path without a name, such as ".".
    """
    if not model.name:
        raise UsageError(
            f"`model` {model} has no name to call the .tflite by; expected a file such as best.keras, or pass `out`"
        )
    return model.with_name(f"{model.stem}_{recipe.name}.tflite")
