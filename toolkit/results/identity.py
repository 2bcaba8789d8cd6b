"""Which model file a result is about."""

from pathlib import Path

from device.model.expression_model import ExpressionModel
from toolkit.models.cost import keras_cost, tflite_cost
from toolkit.models.network import STORED, UNKNOWN
from toolkit.models.predictors import NarrowedPredictor, Predictor
from toolkit.results.types import ModelIdentity


def identity_of(path: str | Path, predictor: Predictor) -> ModelIdentity:
    """Return what the model file at ``path`` is: name, digest, size, labels, recipe, parameters, MACs."""
    while isinstance(predictor, NarrowedPredictor):
        predictor = predictor.predictor
    if isinstance(predictor, ExpressionModel):
        parameters, macs = tflite_cost(path)
        recipe = predictor.metadata.recipe if predictor.metadata else None
        pixel_range = predictor.metadata.pixel_range or None if predictor.metadata else None
        origin = STORED if pixel_range else None
    else:
        parameters, macs = keras_cost(predictor.model)  # type: ignore[attr-defined]
        recipe, origin = None, getattr(predictor, "range_from", UNKNOWN)
        pixel_range = None if origin == UNKNOWN else getattr(predictor, "pixel_range", None)
    facts = {"parameters": parameters, "macs": macs, "pixel_range": pixel_range, "pixel_range_from": origin}
    return ModelIdentity.of(path, predictor.labels, recipe=recipe, **facts)
