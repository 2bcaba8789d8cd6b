"""Evaluating model files on labelled faces, each alone and every later one against the first."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from toolkit.data.copies import leaked_rows
from toolkit.data.dataset import Dataset
from toolkit.data.label_sources import OWN_LABELS, narrowed
from toolkit.data.learnt_faces import learnt_faces, training_note
from toolkit.data.matching import ALL, choose_split, match_classes
from toolkit.data.readers.loading import load_dataset
from toolkit.evaluation.robustness import measure_robustness
from toolkit.models.input_fit import better_fit, label_indices, settle_pixel_range
from toolkit.models.network import FOUND, FloatNetwork
from toolkit.models.options import AS_THE_FILE_SAYS, ModelOptions
from toolkit.models.predictors import NarrowedPredictor, Predictor, load_predictors, of_the_file
from toolkit.results.compare import compare_predictions
from toolkit.results.identity import distinct_names, identity_of
from toolkit.results.metrics import evaluate_predictions
from toolkit.results.mistakes import worst_mistakes
from toolkit.results.model_provenance import origin_of
from toolkit.results.types import Comparison, DataIdentity, Evaluation, ModelResults, Results

logger = logging.getLogger(__name__)


def leaks_of(dataset: Dataset, split: str, held_out: Dataset) -> np.ndarray | None:
    """Return a mask of the faces of ``held_out`` that stand in the training split too, or None.

    A model whose file tells that it learnt from this very data is asked itself: training leaves such faces out.
    """
    if split in (ALL, "train") or "train" not in dataset.present_splits():
        return None
    return leaked_rows(held_out, dataset.split("train"))


@dataclass(frozen=True)
class Measuring:
    """What every model is measured on: ``faces`` of the data set ``whole``, called ``identity``; ``leaked`` as of
    ``leaks_of``; ``robustness``: on corrupted faces too; ``delegate``: what runs .tflite files, if not the processor.
    """

    whole: Dataset
    faces: Dataset
    identity: DataIdentity
    leaked: np.ndarray | None
    robustness: bool
    delegate: str | None


def evaluate_one(
    path: str, predictor: Predictor, name: str, on: Measuring, warning: str
) -> tuple[ModelResults, np.ndarray]:
    """Return what one model, called ``name``, is worth, and its (N, C) probabilities; ``warning``: what is doubtful of
    it, or ''."""
    origin: dict[str, Any] = origin_of(path, predictor)
    faces, classes = on.faces, on.identity.classes
    learnt = learnt_faces(on.whole, tuple(of_the_file(predictor).labels), origin.get("training"))
    leaked = on.leaked if on.leaked is None or learnt is None else leaked_rows(faces, learnt)
    probabilities = predictor.predict(faces.seen(predictor.colour))
    clean = None
    if leaked is not None and 0 < leaked.sum() < len(leaked):
        clean = evaluate_predictions(probabilities[~leaked], faces.labels[~leaked], classes)
    delegated = on.delegate and Path(path).suffix == ".tflite"
    where = f"run by the delegate {on.delegate}" if delegated else ""
    evaluation = Evaluation(
        on.identity,
        evaluate_predictions(probabilities, faces.labels, classes),
        None if leaked is None else int(leaked.sum()),
        clean,
        note="; ".join(filter(None, (warning, training_note(faces, learnt), where))),
        mistakes=worst_mistakes(probabilities, faces.labels),
        robustness=measure_robustness(predictor.predict, faces, colour=predictor.colour)
        if on.robustness
        else None,
    )
    return ModelResults(identity_of(path, predictor, name), (evaluation,), **origin), probabilities


def evaluate_models(
    models: list[str],
    data: str,
    split: str | None = None,
    classes: tuple[str, ...] | None = None,
    label_source: str = OWN_LABELS,
    robustness: bool = False,
    options: ModelOptions = AS_THE_FILE_SAYS,
) -> Results:
    """Evaluate model files on the faces at ``data``; the second and later ones are compared with the first.

    classes: evaluate on these classes only; label_source: of the data, as ``load_dataset`` takes it; robustness:
    measure each model on corrupted faces too; options: of all models (a pixel range that is not told is found on the
    faces; a model that another range or order of labels fits far better gets a warning and a note).
    Raises EdgeError for a broken model or data set and for labels that do not match, UsageError for an option that no
    model heeds.
    """
    loaded_models = load_predictors(models, options)
    predictors = [loaded_models[path] for path in models]
    names = classes or tuple(predictors[0].labels)
    whole = load_dataset(data, colour=any(predictor.colour for predictor in predictors))
    loaded = narrowed(whole, None, label_source)
    for remark in loaded.remarks():
        logger.info("%s", remark)
    dataset = match_classes(loaded, names, classes)
    split, faces = choose_split(dataset, split)
    predictors, warnings = understood(models, predictors, faces)
    predictors = [one if tuple(one.labels) == names else _narrow(one, names, classes) for one in predictors]
    leaked, identity = leaks_of(dataset, split, faces), DataIdentity.of(faces, split)
    on = Measuring(whole, faces, identity, leaked, robustness, options.delegate)
    entries: list[ModelResults] = []
    reference = np.zeros(0)
    called = distinct_names(models)
    for path, predictor, warning in zip(models, predictors, warnings, strict=True):
        logger.info(f"evaluating {path} on {len(faces)} faces ({split})")
        entry, probabilities = evaluate_one(path, predictor, called[path], on, warning)
        if not entries:
            reference = probabilities
        else:
            paired = compare_predictions(reference, probabilities, faces.labels)
            first = entries[0].model
            entry = replace(entry, comparisons=(Comparison(first.name, first.sha256, identity, paired),))
        entries.append(entry)
    return Results(tuple(entries), "evaluate")


def understood(
    paths: list[str], predictors: list[Predictor], faces: Dataset
) -> tuple[list[Predictor], list[str]]:
    """Return the predictors, fed as they were trained, and for each what is doubtful of it, or ''."""
    settled, warnings = [], []
    for path, predictor in zip(paths, predictors, strict=True):
        labels = label_indices(faces.classes, faces.labels, tuple(predictor.labels))
        seen = faces.seen(predictor.colour)
        if isinstance(predictor, FloatNetwork):
            predictor = settle_pixel_range(predictor, seen, labels)
            logger.info(f"pixels enter {path} as {predictor.pixel_range}: {predictor.range_from}")
        elif isinstance(predictor, ExpressionModel) and not predictor.range_is_known:
            predictor = settle_pixel_range(predictor, seen, labels)
            logger.info(f"pixels enter {path} as {predictor.pixel_range}: {FOUND}")
        better = better_fit(of_the_file(predictor), seen, labels)
        if better:
            logger.warning("%s may be fed or read in another way than it was trained: %s", path, better)
        settled.append(predictor)
        warnings.append(str(better or ""))
    return settled, warnings


def _narrow(predictor: Predictor, names: tuple[str, ...], asked: tuple[str, ...] | None) -> Predictor:
    if asked is None and set(predictor.labels) != set(names):
        raise EdgeError(
            f"the models name different classes: {', '.join(names)} and {', '.join(predictor.labels)}; "
            "pass `classes` with those to compare them on"
        )
    return NarrowedPredictor(predictor, names)
