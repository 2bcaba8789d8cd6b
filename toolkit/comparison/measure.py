"""Each variant measured on faces that no training saw: accuracy, its int8 file, time, a board's estimate."""

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.comparison.ranking import Ranked, rank
from toolkit.comparison.runs import Run, run_toolkit
from toolkit.data.dataset import Dataset
from toolkit.data.readers.loading import SYNTHETIC, load_dataset
from toolkit.models.keras_file import read_keras_metadata
from toolkit.models.predictors import load_predictor
from toolkit.results.codec import read_results
from toolkit.results.compare import PairedComparison, compare_predictions
from toolkit.results.history import HISTORY_FILE, read_history
from toolkit.results.metrics import EvaluationReport, evaluate_predictions
from toolkit.results.types import HOST, MEASURED

logger = logging.getLogger(__name__)
INT8_FOLDER = "int8"


@dataclass(frozen=True)
class Quantized:
    """A variant's int8 file: its path, what it costs against float on the same faces, one face's time in ms here and,
    by board, estimated."""

    path: Path
    paired: PairedComparison
    p50_ms: float | None = None
    estimates_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """A variant: its rank, its first seed's report, (N, C) probabilities and history, its int8 file or why there is
    none."""

    ranked: Ranked
    report: EvaluationReport
    probabilities: np.ndarray
    history: dict[str, list[float]]
    parameters: int | None = None
    quantized: Quantized | None = None
    why_not_quantized: str = ""


def faces_to_judge(
    data: Path, classes: tuple[str, ...] | None, label_source: str, colour: bool = False
) -> tuple[str, Dataset]:
    """Return the name and the faces of the split that no training looked at: test, where there is none validation.

    They are those of ``classes``, or all, under the labels of ``label_source``. With ``colour`` they are there in
    colours too. EdgeError where all faces are training faces.
    """
    dataset = load_dataset(data, classes, label_source=label_source, colour=colour)
    if split := dataset.judging_split():
        return split, dataset.split(split)
    way_out = "hold faces out in a folder test/"
    if str(data) == SYNTHETIC:
        way_out = "'toolkit data synth --out FACES' writes them in splits, for --data FACES"
    raise EdgeError(f"{data} has no test split and no validation split to compare on; {way_out}")


def measure_all(
    runs: Sequence[Run],
    data: Path,
    classes: tuple[str, ...],
    label_source: str,
    out: Path,
    targets: Sequence[str],
    quantize: bool,
) -> tuple[str, Dataset, list[Measured]]:
    """Return the split, its faces, and every variant with a finished run, best first."""
    finished = [run for run in runs if not run.error]
    colour = any((read_keras_metadata(run.model) or {}).get("colour") for run in finished)
    split, faces = faces_to_judge(data, classes, label_source, colour)
    answers = {run.folder: ask(run.model, faces) for run in finished}
    by_variant: dict[str, list[Run]] = {}
    for run in finished:
        by_variant.setdefault(run.variant.name, []).append(run)
    right = {
        name: [answers[run.folder].argmax(axis=1) == faces.labels for run in seeds]
        for name, seeds in by_variant.items()
    }
    measured = []
    for ranked in rank(right):
        first = by_variant[ranked.name][0]
        probabilities = answers[first.folder]
        small, why = quantize_one(first, data, faces, probabilities, out) if quantize else (None, "")
        report = evaluate_predictions(probabilities, faces.labels, classes)
        history = read_history(first.folder)
        if not {"training_accuracy", "validation_accuracy"} <= set(history):
            raise EdgeError(f"{first.folder} has lost its {HISTORY_FILE}; remove the folder to train it anew")
        measured.append(Measured(ranked, report, probabilities, history, None, small, why))
    return split, faces, with_times(measured, out, targets)


def ask(model: Path, faces: Dataset) -> np.ndarray:
    """Return the (N, C) probabilities that the file ``model`` gives ``faces``."""
    predictor = load_predictor(model)
    return predictor.predict(faces.seen(predictor.colour))


def quantize_one(
    run: Run, data: Path, faces: Dataset, exact: np.ndarray, out: Path
) -> tuple[Quantized | None, str]:
    """Return the int8 file of ``run``, made unless it is newer than the model; or None and why it cannot be.

    ``exact``: what the model says of ``faces``, (N, C) probabilities.
    """
    path = out / INT8_FOLDER / f"{run.variant.folder}.tflite"
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.stat().st_mtime < run.model.stat().st_mtime:
        logger.info("%s to int8", run.variant.name)
        asked = ("quantize", "--model", run.model, "--data", data, "--out", path, "--overwrite")
        # A network that learnt little is a row as well.
        error = run_toolkit(*asked, "--label-source", run.label_source, "--untrained")
        if error:
            return None, error
    answers = ask(path, faces)
    return Quantized(path, compare_predictions(exact, answers, faces.labels)), ""


def with_times(measured: list[Measured], out: Path, targets: Sequence[str]) -> list[Measured]:
    """Return the variants with the time of their int8 files: all in turn here, and estimated for boards."""
    files = [one.quantized.path for one in measured if one.quantized]
    if not files:
        return measured
    document = out / "benchmark.json"
    models = [part for path in files for part in ("--model", path)]
    places = [part for target in (HOST, *targets) for part in ("--target", target)]
    logger.info("timing %d int8 files in turn", len(files))
    error = run_toolkit("benchmark", *models, *places, "--out", document, "--overwrite")
    if error:
        logger.warning("the int8 files are not timed: %s", error)
        return measured
    entries = {entry.model.name: entry for entry in read_results(document).models}
    timed = []
    for one in measured:
        entry = entries.get(one.quantized.path.name) if one.quantized else None
        if one.quantized is None or entry is None:
            timed.append(one)
            continue
        here = [lat for lat in entry.latencies if lat.origin == MEASURED]
        boards_ms = {
            str(lat.extra.get("board", lat.target)): lat.inference["p50_ms"]
            for lat in entry.latencies
            if lat.origin != MEASURED
        }
        ms = here[0].inference["p50_ms"] if here else None
        small = dataclasses.replace(one.quantized, p50_ms=ms, estimates_ms=boards_ms)
        timed.append(dataclasses.replace(one, quantized=small, parameters=entry.model.parameters))
    return timed
