"""How a model file was made, by its own metadata: its training, or its quantization."""

from pathlib import Path
from typing import Any

from device.model.expression_model import ExpressionModel
from toolkit.models.predictors import Predictor, of_the_file
from toolkit.results.history import read_history

CURVES = {
    "accuracy": "training_accuracy",
    "val_accuracy": "validation_accuracy",
}  # of results: column of a history


def origin_of(path: str | Path, predictor: Predictor) -> dict[str, dict[str, Any] | None]:
    """Return the sections ``training`` and ``quantization`` of a model's results; None where the file says nothing."""
    predictor = of_the_file(predictor)
    if isinstance(predictor, ExpressionModel):
        metadata = predictor.metadata
        if metadata is None:
            return {"training": None, "quantization": None}
        told = metadata.to_json()
        kept = ("recipe", "kept_float", "representative", "versions", "created", "crop_margin")
        return {"training": None, "quantization": {key: told[key] for key in kept if told.get(key)}}
    training = dict(predictor.metadata.get("training") or {})
    if curves := curves_beside(path):
        training["history"] = curves
    return {"training": training or None, "quantization": None}


def curves_beside(path: str | Path) -> dict[str, list[float]]:
    """Return the curves of the history that ``toolkit train`` writes beside a model; empty where there is none."""
    history = read_history(Path(path).parent)
    return {curve: history[column] for curve, column in CURVES.items() if column in history}
