"""The one call behind ``toolkit quantize``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device.errors import EdgeError, UsageError
from device.files import refuse_existing
from toolkit.data.dataset import Dataset
from toolkit.models.network import open_network
from toolkit.quantization.litert_baseline import PEER, quantize_by_peer
from toolkit.quantization.quantizer import QuantizationResult, Quantizer
from toolkit.quantization.recipe import RECIPES, Recipe, quantized_path
from toolkit.quantization.representative import DEFAULT_COUNT, DEFAULT_SEED, choose_faces


@dataclass(frozen=True)
class Request:
    """What to quantize, for which faces. ``labels``, ``pixel_range`` and ``out`` None: from the file, and
    beside it.

    ``progress`` is told each step as it starts.
    """

    model: Path
    data: Dataset
    out: Path | None = None
    labels: tuple[str, ...] | None = None
    pixel_range: str | None = None
    count: int = DEFAULT_COUNT
    seed: int = DEFAULT_SEED
    max_drop: float | None = None
    untrained: bool = False
    overwrite: bool = False
    progress: Callable[[str], None] = lambda step: None


def open_quantizer(request: Request) -> Quantizer:
    """Open the Keras file and choose the faces; EdgeError in one line where either is not fit."""
    request.progress(f"opening {request.model}")
    network = open_network(request.model, request.labels, request.pixel_range)
    faces = choose_faces(request.data, network.labels, request.count, request.seed)
    return Quantizer(network, faces, request.untrained, request.progress)


def quantize(request: Request, recipe: Recipe) -> QuantizationResult:
    """Quantize by one recipe, measure, and write the file. Raises EdgeError in one line; then nothing is
    written.
    """
    refuse_existing(request.out or quantized_path(request.model, recipe), request.overwrite)
    result = open_quantizer(request).quantize(recipe, request.out, request.max_drop)
    result.write(request.overwrite)
    return result


@dataclass(frozen=True)
class AllRecipes:
    """The results of every recipe, float32 first; why others are ``impossible``; and Google's, where installed."""

    results: tuple[QuantizationResult, ...]
    impossible: dict[str, str]
    peer: QuantizationResult | None


def quantize_all(request: Request) -> AllRecipes:
    """Quantize by every recipe, measure, and write the files beside the model, STEM_RECIPE.tflite each.

    Only int8-mixed is made to hold ``max_drop``, the others show what they lose. Raises EdgeError, and writes
    nothing, where all lose more.
    """
    if request.out is not None:
        raise UsageError("--recipe all writes a file for each recipe beside the model; leave out --out")
    for recipe in RECIPES.values():
        refuse_existing(quantized_path(request.model, recipe), request.overwrite)
    quantizer = open_quantizer(request)
    results, impossible = [quantizer.quantize(RECIPES["float32"])], {}
    for recipe in RECIPES.values():
        if recipe.name != "float32":
            try:
                limit = request.max_drop if recipe.name == "int8-mixed" else None
                results.append(quantizer.quantize(recipe, max_drop=limit))
            except EdgeError as error:
                impossible[recipe.name] = str(error)
    peer = quantize_by_peer(quantizer)
    if isinstance(peer, str):
        impossible[PEER.name], peer = peer, None
    least = min(result.measured.drop_points for result in results)
    if request.max_drop is not None and least > request.max_drop:
        raise EdgeError(
            f"every recipe loses more than {request.max_drop:g} points, the best {least:.2f}; raise --max-drop"
        )
    for result in results:
        result.write(request.overwrite)
    return AllRecipes(tuple(results), impossible, peer)
