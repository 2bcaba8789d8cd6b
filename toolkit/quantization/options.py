"""What ``toolkit quantize`` can be asked for, checked when it is built."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device.errors import UsageError, refuse_without
from toolkit.data.dataset import Dataset
from toolkit.data.label_sources import OWN_LABELS
from toolkit.data.readers.loading import refuse_no_data
from toolkit.models.opening.file_kind import kind_of
from toolkit.outputs import refuse_output
from toolkit.quantization.conversion.recipe import RECIPES, Recipe, quantized_path, recipe_named
from toolkit.quantization.representative import DEFAULT_COUNT, DEFAULT_SEED

ALL = "all"


def layer_names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of layers, which a text has commas between."""
    names = given.split(",") if isinstance(given, str) else given or ()
    return tuple(name.strip() for name in names if name.strip())


@dataclass(frozen=True)
class QuantizeOptions:
    """One quantization, or with the recipe 'all' one of each recipe.

    model: a Keras file; data: labelled faces, or where they are (None: the shipped synthetic ones); label_source:
    'own' or 'ferplus'; out: the .tflite (None: STEM_RECIPE.tflite beside the model); keep_float: layers that stay in
    float32, by name; io_dtype: type of input and output of an int8 recipe, 'int8' or 'uint8'; labels, pixel_range
    and input_size: what the Keras file does not tell; representative: how many faces set the ranges; seed: which;
    max_drop: accuracy in points that may be lost; untrained: accept a model that does not recognise the faces;
    edgetpu: check against the Edge TPU compiler's rules; layer_errors: measure the error of each layer, which takes a
    third of the time; results: where the JSON goes too. Raises UsageError for options that exclude each other.

    >>> QuantizeOptions(Path("best.keras"), recipe="int8-mixed", max_drop=0.5)
    """

    model: Path
    data: Dataset | str | None = None
    label_source: str = "own"
    recipe: str = "int8"
    out: Path | None = None
    keep_float: tuple[str, ...] = ()
    io_dtype: str | None = None
    labels: tuple[str, ...] | None = None
    pixel_range: str | None = None
    input_size: int | None = None
    representative: int = DEFAULT_COUNT
    seed: int = DEFAULT_SEED
    max_drop: float | None = None
    untrained: bool = False
    edgetpu: bool = False
    layer_errors: bool = True
    results: Path | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.data is None:
            refuse_without("data", "DATA", label_source=self.label_source != OWN_LABELS)
        if self.recipe == ALL and (self.keep_float or self.io_dtype or self.edgetpu):
            raise UsageError("`recipe=all` takes no `keep_float`, `io_dtype` or `edgetpu`; name one recipe")
        if self.recipe == ALL and self.out is not None:
            raise UsageError("`recipe=all` writes a file for each recipe beside the model; leave out `out`")
        if self.edgetpu and self.recipe != "int8":
            raise UsageError(f"`edgetpu` needs a full integer model; leave out `recipe` {self.recipe}")
        if self.recipe != ALL:
            _ = self.one_recipe

    @property
    def one_recipe(self) -> Recipe:
        """The recipe with what was chosen beside its name; UsageError if there is none of that name."""
        return recipe_named(self.recipe).keeping_float(self.keep_float).with_io_dtype(self.io_dtype)

    def refuse_files(self) -> None:
        """Raise EdgeError or UsageError for a model that is none, for no data, and if a file to write may not be
        written: what is found out before TensorFlow is there."""
        data = self.data if isinstance(self.data, str) else None
        recipes = RECIPES.values() if self.recipe == ALL else (self.one_recipe,)
        for path in [self.out] if self.out else [quantized_path(self.model, recipe) for recipe in recipes]:
            refuse_output(path, self.overwrite, (self.model, data), ".tflite")
            if self.results and os.path.realpath(path) == os.path.realpath(self.results):
                raise UsageError(f"`results` would replace the model at {path}; choose another name")
        if self.results:
            refuse_output(self.results, self.overwrite, (self.model, data))
        kind_of(self.model)
        if data:
            refuse_no_data(Path(data))
