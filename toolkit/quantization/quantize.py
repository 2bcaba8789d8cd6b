"""From a Keras file to a quantized, measured, self-describing .tflite."""

import contextlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata as packages
from pathlib import Path

import numpy as np

from device.files import refuse_existing, sha256_of, whole_file
from device.metadata import InputContract, ModelMetadata, pack_metadata
from device.model import ExpressionModel, load_model
from device.tflite_file import read_tflite
from toolkit.data.dataset import Dataset
from toolkit.evaluation.compare import PairedComparison, compare_predictions
from toolkit.evaluation.metrics import EvaluationReport, evaluate_predictions
from toolkit.quantization.convert import INPUT_SCALE, convert
from toolkit.quantization.network import FloatNetwork, open_network
from toolkit.quantization.recipe import Recipe, quantized_path
from toolkit.quantization.representative import DEFAULT_COUNT, DEFAULT_SEED, ChosenFaces, choose_faces

DEFAULT_CROP_MARGIN = 1.22
VERSIONED_PACKAGES = ("fer-edge", "tensorflow-cpu", "tensorflow", "keras", "ai-edge-litert", "numpy")


@dataclass(frozen=True)
class Measurement:
    """Float and quantized on the same faces. The two reports and ``paired`` are None where the faces' classes
    are not the network's."""

    faces: Dataset
    float_probabilities: np.ndarray
    quantized_probabilities: np.ndarray
    float_report: EvaluationReport | None
    quantized_report: EvaluationReport | None
    paired: PairedComparison | None

    @property
    def top1_agreement(self) -> float:
        same = self.float_probabilities.argmax(axis=1) == self.quantized_probabilities.argmax(axis=1)
        return float(same.mean())

    @property
    def synthetic(self) -> bool:
        return "synthetic" in self.faces.source.lower()


@dataclass(frozen=True)
class QuantizationResult:
    """A quantized file that was written to ``path``, and what it was measured to be."""

    path: Path
    source: Path
    recipe: Recipe
    metadata: ModelMetadata
    size_bytes: int
    source_size_bytes: int
    measured: Measurement
    seconds: float

    def to_json(self) -> dict:
        measured = self.measured
        return {
            "path": str(self.path),
            "sha256": sha256_of(self.path),
            "source": str(self.source),
            "recipe": self.recipe.name,
            "size_bytes": self.size_bytes,
            "source_size_bytes": self.source_size_bytes,
            "labels": list(self.metadata.labels),
            "representative": self.metadata.representative,
            "measured_on": {
                "source": measured.faces.source,
                "n": len(measured.faces),
                "synthetic": measured.synthetic,
            },
            "top1_agreement": measured.top1_agreement,
            "comparison": measured.paired and measured.paired.to_json(),
            "seconds": round(self.seconds, 2),
        }


def quantize(
    model: str | Path,
    out: str | Path | None,
    data: Dataset,
    recipe: Recipe,
    labels: tuple[str, ...] | None = None,
    pixel_range: str | None = None,
    count: int = DEFAULT_COUNT,
    seed: int = DEFAULT_SEED,
    overwrite: bool = False,
) -> QuantizationResult:
    """Quantize the Keras file ``model`` by ``recipe`` and write ``out`` (None: STEM_RECIPE.tflite beside it).

    ``count`` faces of ``data`` set the ranges, others measure the result. Raises EdgeError in one line; then
    nothing is written.
    """
    start = time.monotonic()
    model = Path(model)
    out = Path(out) if out else quantized_path(model, recipe)
    refuse_existing(out, overwrite)
    network = open_network(model, labels, pixel_range)
    faces = choose_faces(data, network.labels, count, seed)
    tflite = convert(network, recipe, faces.representative.faces.images)
    described = _describe(network, recipe, tflite, faces)
    with whole_file(out, overwrite) as partial:
        partial.write_bytes(pack_metadata(tflite, described))
        measured = measure(network, load_model(partial), faces)
        described = replace(described, accuracy=_accuracy(measured))
        partial.write_bytes(pack_metadata(tflite, described))
    sizes = out.stat().st_size, model.stat().st_size
    return QuantizationResult(out, model, recipe, described, *sizes, measured, time.monotonic() - start)


def measure(network: FloatNetwork, quantized: ExpressionModel, faces: ChosenFaces) -> Measurement:
    """Ask both models about the same faces, each through the code that serves it."""
    before, after = (asked.predict(faces.measuring.images) for asked in (network, quantized))
    if not faces.labelled:
        return Measurement(faces.measuring, before, after, None, None, None)
    labels = faces.measuring.labels
    float_report, quantized_report = (
        evaluate_predictions(found, labels, network.labels) for found in (before, after)
    )
    paired = compare_predictions(before, after, labels)
    return Measurement(faces.measuring, before, after, float_report, quantized_report, paired)


def _describe(network: FloatNetwork, recipe: Recipe, tflite: bytes, faces: ChosenFaces) -> ModelMetadata:
    file = read_tflite(tflite)
    image = file.tensors[file.inputs[0]]
    height, width, channels = network.input_shape
    scale, zero_point = (image.scales[0], image.zero_points[0]) if image.scales else (0.0, 0)
    # A file made elsewhere may say nothing of the crop; ours do.
    margin = float(network.metadata.get("crop_margin", DEFAULT_CROP_MARGIN))
    return ModelMetadata(
        labels=network.labels,
        input=InputContract(height, width, channels, image.dtype, scale, zero_point, INPUT_SCALE),
        crop_margin=margin,
        recipe=recipe.name,
        representative=faces.representative.to_json() if recipe.calibrated else None,
        versions=_versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _versions() -> dict[str, str]:
    versions = {}
    for name in VERSIONED_PACKAGES:
        with contextlib.suppress(packages.PackageNotFoundError):
            versions[name] = packages.version(name)
    return versions


def _accuracy(measured: Measurement) -> dict | None:
    if measured.float_report is None or measured.quantized_report is None:
        return None
    data = Path(measured.faces.source).name
    return {
        name: {"accuracy": report.accuracy, "n": report.n, "interval": list(report.interval), "data": data}
        for name, report in (("float", measured.float_report), ("quantized", measured.quantized_report))
    }
