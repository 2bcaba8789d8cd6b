"""What ``toolkit data synth`` does: synthetic faces into folders or a sheet."""

from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.files import refuse_existing
from toolkit.data.class_names import FER2013_CLASSES, normal_class_name
from toolkit.data.fitting import FACES_PER_CLASS, Judge, Progress, fit_and_sample
from toolkit.data.loading import load_dataset
from toolkit.data.synthesis import SHEET_COLUMNS, load_synthetic, write_sheet
from toolkit.data.writing import in_three_splits, write_folders


def write_shipped(out: Path, overwrite: bool = False) -> dict:
    """Write the shipped synthetic faces as folders by split and class; return what was written."""
    dataset = in_three_splits(load_synthetic())
    write_folders(dataset, out, overwrite)
    splits = {name: int((dataset.splits == name).sum()) for name in dataset.present_splits()}
    return {"synthetic": True, "faces": len(dataset), "classes": list(dataset.classes), "splits": splits}


def write_fitted(
    data: Path,
    out: Path,
    faces: int = FACES_PER_CLASS,
    seed: int = 0,
    keep_with: Path | None = None,
    overwrite: bool = False,
    progress: Progress = lambda text: None,
) -> dict:
    """Fit a model of faces on ``data``, write a sheet of ``faces`` samples a class to ``out``; return how it went."""
    refuse_existing(out, overwrite)
    if out.suffix.lower() != ".png":
        raise EdgeError(f"expected a PNG file for the sheet of fitted faces; received {out}")
    if faces % SHEET_COLUMNS:
        raise EdgeError(
            f"expected a multiple of {SHEET_COLUMNS} faces a class for the sheet; received {faces}"
        )
    judge = None if keep_with is None else judge_of(keep_with)
    synthesis = fit_and_sample(load_dataset(data), faces, seed, judge, progress)
    write_sheet(synthesis.faces.images, out, overwrite=overwrite)
    return synthesis.to_json() | {"kept_with": None if keep_with is None else keep_with.name}


def judge_of(model: Path) -> Judge:
    """Return a function that names (N, 48, 48) uint8 faces by a model file, as indices into FER2013's classes."""
    from toolkit.evaluation.predictors import load_predictor

    predictor = load_predictor(model)
    if tuple(map(normal_class_name, predictor.labels)) != FER2013_CLASSES:
        raise EdgeError(
            f"{model}: expected the classes {', '.join(FER2013_CLASSES)}; "
            f"received {', '.join(predictor.labels)}"
        )
    return lambda images: np.argmax(predictor.predict(images), axis=1)
