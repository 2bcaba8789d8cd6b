"""How a model file was made, by its own metadata: its training, or its quantization."""

import csv
from pathlib import Path
from typing import Any

from device.files import read_short
from device.model.expression_model import ExpressionModel
from toolkit.models.predictors import NarrowedPredictor, Predictor

MOST_BYTES = 1 << 20  # of a history: 10,000 epochs
HISTORY = "history.csv"  # toolkit train writes it beside the model
CURVES = {
    "accuracy": ("training_accuracy", "accuracy"),
    "val_accuracy": ("validation_accuracy", "val_accuracy"),
}


def origin_of(path: str | Path, predictor: Predictor) -> dict[str, dict[str, Any] | None]:
    """Return the sections ``training`` and ``quantization`` of a model's results; None where the file says nothing."""
    while isinstance(predictor, NarrowedPredictor):
        predictor = predictor.predictor
    if isinstance(predictor, ExpressionModel):
        metadata = predictor.metadata
        if metadata is None:
            return {"training": None, "quantization": None}
        told = metadata.to_json()
        kept = ("recipe", "kept_float", "representative", "versions", "created", "crop_margin")
        return {"training": None, "quantization": {key: told[key] for key in kept if told.get(key)}}
    training = dict(getattr(predictor, "metadata", {}).get("training") or {})
    history = read_history(Path(path).with_name(HISTORY))
    if history:
        training["history"] = history
    return {"training": training or None, "quantization": None}


def read_history(path: Path) -> dict[str, list[float]]:
    """Return the curves of a training's history file; empty where there is none or it is no such file."""
    try:
        rows = list(csv.DictReader(read_short(path, MOST_BYTES).splitlines()))
        found = {}
        for name, columns in CURVES.items():
            column = next((one for one in columns if rows and one in rows[0]), None)
            if column:
                found[name] = [float(row[column]) for row in rows if row[column]]
        return found
    except (OSError, ValueError, csv.Error):
        return {}
