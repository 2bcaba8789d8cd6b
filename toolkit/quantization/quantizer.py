"""A Keras classifier, opened, checked and calibrated once, and quantized by as many recipes as wanted."""

import functools
import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.files import write_whole
from device.model.expression_model import ExpressionModel
from device.model.file.metadata import ModelMetadata
from toolkit.data.even_choice import even_rows
from toolkit.models.input_fit import better_fit, settle_pixel_range
from toolkit.models.network import FloatNetwork
from toolkit.models.packing import pack_metadata
from toolkit.quantization.conversion.convert import Conversion
from toolkit.quantization.conversion.layers import Layer, LayerError, measure_layers
from toolkit.quantization.conversion.recipe import Recipe, quantized_path
from toolkit.quantization.description import accuracy_of, metadata_of
from toolkit.quantization.guard import Trial, hold_drop
from toolkit.quantization.measurement import Measurement, measure, seconds_each
from toolkit.quantization.representative import ChosenFaces
from toolkit.quantization.sanity_check import not_plausible, why_not_plausible

log = logging.getLogger(__name__)

# Faces that tell the error of a layer; fewer where the network is so large that it would take long.
LAYER_FACES, FEWEST_LAYER_FACES, LAYER_SECONDS = 64, 4, 15.0
# Each layer alone in int8 is a conversion of its own; past so many of them the user is told how far it is.
MANY_LAYERS = 50
LAYERS_AT_ONCE = 4


@dataclass(frozen=True)
class QuantizationResult:
    """A quantized model, ``content``, meant for ``path``, and what it was measured to be.

    ``layers``: the error of each layer in int8, empty for other recipes; ``trials``: what the guard tried;
    ``range_from``: how the pixel range in ``metadata`` is known; ``note``: why the accuracy may say little, or ''.
    """

    path: Path
    content: bytes
    source: Path
    recipe: Recipe
    metadata: ModelMetadata
    measured: Measurement
    layers: tuple[LayerError, ...] = ()
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0
    range_from: str = ""
    note: str = ""

    def model(self) -> ExpressionModel:
        """Return the model, ready to run."""
        return ExpressionModel(self.content, self.path)

    def write(self, overwrite: bool) -> None:
        """Write the file, whole or not at all."""
        write_whole(self.path, self.content, overwrite)


class Quantizer:
    """Quantizes ``network`` with the ranges and the judgement of ``faces``.

    Raises EdgeError for a network that does not recognise them, unless it is ``untrained``.
    """

    def __init__(
        self,
        network: FloatNetwork,
        faces: ChosenFaces,
        untrained: bool = False,
    ) -> None:
        measuring, self.faces = faces.measuring, faces
        log.info("asking the float model about %d faces", len(measuring))
        labels = measuring.labels if faces.labelled else None
        self.images = measuring.seen(network.colour)
        self.network = network if untrained else settle_pixel_range(network, self.images, labels)
        log.info("pixels enter as %s: %s", self.network.pixel_range, self.network.range_from)
        self.float_probabilities = self.network.predict(self.images)
        if not untrained:
            self._refuse_misunderstanding(labels)
        self.conversion = Conversion(self.network, faces.representative.faces.seen(network.colour))

    def _refuse_misunderstanding(self, labels: np.ndarray | None) -> None:
        """Raise EdgeError where the network is fed or read otherwise than it was trained."""
        answers = self.float_probabilities
        if labels is not None and (better := better_fit(self.network, self.images, labels, answers)):
            raise EdgeError(
                f"{self.network.path} is fed or read in another way than it was trained: {better}"
            )
        if doubt := why_not_plausible(self.float_probabilities, labels):
            raise not_plausible(self.network, doubt)

    def quantize(
        self,
        recipe: Recipe,
        out: Path | None = None,
        max_drop: float | None = None,
        layer_errors: bool = True,
    ) -> QuantizationResult:
        """Quantize by ``recipe``, for the file ``out`` (None: STEM_RECIPE.tflite beside the Keras file).

        An int8 recipe that loses more than ``max_drop`` points keeps its worst layers in float; EdgeError
        where that does not help, or for another recipe. layer_errors: measure the error of each layer.
        """
        start = time.monotonic()
        layers: tuple[LayerError, ...] = ()
        trials: tuple[Trial, ...] = ()
        if recipe.calibrated:
            self.conversion.refuse_recurrent()
        log.info("quantizing by %s, with %d faces", recipe.name, len(self.faces.representative.faces))
        if recipe.integer:
            wants_float_layers = self._wants_float_layers(recipe, max_drop)
            if layer_errors or wants_float_layers:
                layers = self.layer_errors
            if wants_float_layers:
                limit = float("inf") if max_drop is None else max_drop
                recipe, trials = hold_drop(recipe, layers, self._drop_of, limit)
        result = self.measured_result(recipe, self.conversion.to(recipe), out)
        if max_drop is not None and result.measured.drop_points > max_drop:
            raise EdgeError(
                f"{recipe.name} loses {result.measured.drop_points:.2f} points on {len(result.measured.faces)} faces, "
                f"the limit is {max_drop:g}; try `recipe=float16`, or `recipe=all` to compare"
            )
        return replace(result, layers=layers, trials=trials, seconds=time.monotonic() - start)

    def measured_result(self, recipe: Recipe, tflite: bytes, out: Path | None = None) -> QuantizationResult:
        """Return ``tflite``, which ``recipe`` made, measured, with what was found in its metadata."""
        path = out or quantized_path(self.network.path, recipe)
        described = metadata_of(self.network, recipe, tflite, self.faces.representative)
        measured = self._measure(ExpressionModel(pack_metadata(tflite, described), path))
        described = replace(described, accuracy=accuracy_of(measured))
        content = pack_metadata(tflite, described)
        return QuantizationResult(
            path,
            content,
            self.network.path,
            recipe,
            described,
            measured,
            range_from=self.network.range_from,
            note=self.faces.note,
        )

    @functools.cached_property
    def layer_errors(self) -> tuple[LayerError, ...]:
        """The error of each layer in int8, from as many faces as the time allows."""
        layers, images = self.conversion.layers, self.images
        model = self._open(self.conversion.integer())
        affordable = LAYER_SECONDS / (seconds_each(model, images[:1]) * len(layers))
        count = min(len(images), int(np.clip(affordable, FEWEST_LAYER_FACES, LAYER_FACES)))
        rows = even_rows(len(images), count)

        def output_error(alone: ExpressionModel) -> float:
            try:
                probabilities = alone.predict(images[rows])
            except EdgeError:  # with this layer in int8 the others, in float32, run to infinity
                return 1.0
            return float(np.abs(probabilities - self.float_probabilities[rows]).mean())

        def output_errors(became: Sequence[Layer]) -> Iterator[float]:
            """Yield the error of each layer: the networks of a few are made, then asked side by side."""
            with ThreadPoolExecutor(os.cpu_count()) as cores:
                for start in range(0, len(became), LAYERS_AT_ONCE):
                    some = became[start : start + LAYERS_AT_ONCE]
                    if len(became) > MANY_LAYERS:
                        log.info("measuring layers alone, %d of %d, %s", start + 1, len(became), some[0].name)
                    yield from cores.map(
                        output_error, [self._open(self.conversion.alone(layer)) for layer in some]
                    )

        inputs = np.concatenate([model.prepare(images[row]) for row in rows])
        return measure_layers(self.conversion.verifying(), layers, inputs, output_errors)

    def _wants_float_layers(self, recipe: Recipe, max_drop: float | None) -> bool:
        if recipe.kept_float:
            return False
        return recipe.name == "int8-mixed" or (max_drop is not None and self._drop_of(recipe) > max_drop)

    def _drop_of(self, recipe: Recipe) -> float:
        return self._measure(self._open(self.conversion.to(recipe))).drop_points

    def _measure(self, model: ExpressionModel) -> Measurement:
        faces, colour = self.faces.measuring, self.network.colour
        return measure(model, faces, self.float_probabilities, self.faces.labelled, colour)

    def _open(self, tflite: bytes) -> ExpressionModel:
        model = ExpressionModel(tflite, self.network.path, self.network.labels)
        model.outputs_probabilities = True  # as those of the network, whatever operator they come from
        return model
