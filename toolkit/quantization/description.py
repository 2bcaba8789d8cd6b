"""The metadata of a quantized file: labels, input, recipe, representative faces, accuracy, versions."""

from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.frames import CROP_MARGIN
from device.model.file.metadata import InputContract, ModelMetadata
from device.model.file.tflite_file import read_tflite
from toolkit.data.dataset import Dataset
from toolkit.models.network import FloatNetwork
from toolkit.quantization.conversion.recipe import Recipe
from toolkit.quantization.measurement import Measurement
from toolkit.quantization.representative import RepresentativeFaces
from toolkit.results.provenance import now, package_versions


def metadata_of(
    network: FloatNetwork, recipe: Recipe, tflite: bytes, representative: RepresentativeFaces
) -> ModelMetadata:
    """Return the metadata of ``tflite``; its accuracy is not measured yet."""
    file = read_tflite(tflite)
    image = file.tensors[file.inputs[0]]
    height, width, channels = network.input_shape
    scale, zero_point = (image.scales[0], image.zero_points[0]) if image.scales else (0.0, 0)
    return ModelMetadata(
        labels=network.labels,
        input=InputContract(height, width, channels, image.dtype, scale, zero_point),
        crop_margin=_crop_margin(network),
        pixel_range=network.pixel_range,
        colour=network.colour,
        aligned=bool(network.metadata.get("aligned", ModelMetadata.aligned)),
        recipe=recipe.name,
        kept_float=recipe.kept_float,
        equalized=recipe.equalized,
        representative=representative.to_json() if recipe.calibrated else None,
        versions=package_versions(),
        created=now(),
    )


def _crop_margin(network: FloatNetwork) -> float:
    margin = network.metadata.get("crop_margin", CROP_MARGIN)
    if not isinstance(margin, int | float) or not 0.1 <= margin <= 10:
        raise EdgeError(
            f"the crop_margin in {network.path} is {margin!r}; expected 0.1 to 10; save the model again"
        )
    return float(margin)


def accuracy_of(measured: Measurement) -> dict[str, Any] | None:
    """Return the measured accuracy of both models as ModelMetadata holds it, None where there were no labels."""
    if measured.float_report is None or measured.quantized_report is None:
        return None
    data = data_name(measured.faces)
    return {
        name: {"accuracy": report.accuracy, "n": report.n, "interval": list(report.interval), "data": data}
        for name, report in (("float", measured.float_report), ("quantized", measured.quantized_report))
    }


def data_name(faces: Dataset) -> str:
    """Return how figures name ``faces``: the file's or folder's name, and the split."""
    name, splits = Path(faces.source).name, set(faces.splits)
    return f"{name}, {splits.pop()}" if len(splits) == 1 and not faces.synthetic else name
