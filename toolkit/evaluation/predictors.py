"""One way to ask any model file: Keras through Keras, TFLite through the device's own code."""

import os
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from device.errors import EdgeError, UsageError
from toolkit.evaluation.cost import keras_cost, tflite_cost
from toolkit.evaluation.results import ModelIdentity

BATCH = 256


class Predictor(Protocol):
    """A model that names faces; ``labels`` are in the order of its outputs."""

    labels: tuple[str, ...]

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return (N, C) float32 probabilities for (N, 48, 48) uint8 gray crops."""
        ...


class KerasPredictor:
    """A ``.keras`` model through ``predict``."""

    def __init__(self, model: Any, labels: tuple[str, ...], name: str = "the model"):
        shape = tuple(model.input_shape)
        if len(shape) != 4 or None in shape[1:] or shape[3] not in (1, 3):
            raise EdgeError(f"{name} takes input of shape {shape}; expected (None, height, width, 1 or 3)")
        if len(labels) != model.output_shape[-1]:
            raise EdgeError(
                f"{len(labels)} labels do not fit the {model.output_shape[-1]} outputs of {name}; "
                f"pass --labels with {model.output_shape[-1]} names"
            )
        self.model, self.labels, self.input_shape = model, tuple(labels), shape[1:]

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return (N, C) float32 probabilities for (N, 48, 48) uint8 gray crops."""
        height, width, channels = self.input_shape
        if crops.shape[1:3] != (height, width):
            crops = np.stack([cv2.resize(crop, (width, height)) for crop in crops])
        batch = np.repeat(crops[..., None], channels, axis=3).astype(np.float32)
        return as_probabilities(
            np.asarray(self.model.predict(batch, batch_size=BATCH, verbose=0), dtype=np.float32)
        )


def as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return rows that are probabilities already as they are, and anything else (logits) through softmax."""
    if (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=0.02):
        return outputs
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def load_predictor(path: str | Path, labels: tuple[str, ...] | None = None) -> Predictor:
    """Return the predictor of a ``.keras`` or ``.tflite`` file; ``labels`` replace those the file names.

    Raises EdgeError for a file that is missing, broken, of another kind, or that names no labels of its own.
    """
    path = Path(path)
    if path.suffix == ".tflite":
        from device.model import load_model

        return load_model(path, labels)
    if path.suffix != ".keras":
        raise UsageError(
            f"{path} is no model this command knows; expected a file ending in .keras or .tflite"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from toolkit.keras_file import load_keras_model, read_keras_metadata

    model = load_keras_model(path)
    labels = labels or tuple((read_keras_metadata(path) or {}).get("labels", ()))
    if not labels:
        raise EdgeError(
            f"{path} does not name its classes; "
            f"pass --labels with {model.output_shape[-1]} names in the order of its outputs"
        )
    return KerasPredictor(model, labels, str(path))


class NarrowedPredictor:
    """A predictor restricted to some of its classes: their columns, rescaled to sum to 1."""

    def __init__(self, predictor: Predictor, classes: tuple[str, ...]):
        unknown = [name for name in classes if name not in predictor.labels]
        if unknown:
            raise EdgeError(
                f"the model does not know the class '{unknown[0]}'; it knows: {', '.join(predictor.labels)}"
            )
        self.predictor, self.labels = predictor, tuple(classes)
        self.columns = [predictor.labels.index(name) for name in classes]

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return (N, C) float32 probabilities among the kept classes."""
        kept = self.predictor.predict(crops)[:, self.columns]
        total = kept.sum(axis=1, keepdims=True)
        # An int8 softmax can round every kept class to 0: then nothing is known.
        return np.where(total > 0, kept / np.maximum(total, 1e-12), 1 / len(self.columns)).astype(np.float32)


def identity_of(path: str | Path, predictor: Predictor) -> ModelIdentity:
    """Return what the model file at ``path`` is: name, digest, size, labels, recipe, parameters, MACs."""
    while isinstance(predictor, NarrowedPredictor):
        predictor = predictor.predictor
    if isinstance(predictor, KerasPredictor):
        parameters, macs = keras_cost(predictor.model)
        return ModelIdentity.of(path, predictor.labels, parameters=parameters, macs=macs)
    parameters, macs = tflite_cost(path)
    recipe = getattr(getattr(predictor, "metadata", None), "recipe", None)
    return ModelIdentity.of(path, predictor.labels, recipe=recipe, parameters=parameters, macs=macs)
