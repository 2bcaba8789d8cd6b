"""One way to ask any model file: Keras through Keras, TFLite through the device's own code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from device.errors import EdgeError, UsageError
from device.model.expression_model import ExpressionModel, load_model
from device.quiet import silenced
from device.text import did_you_mean
from toolkit.models.options import AS_THE_FILE_SAYS, ModelOptions

if TYPE_CHECKING:
    from toolkit.models.network import FloatNetwork

SUM_TOLERANCE = 0.1  # an int8 softmax rounds each probability to 1/256


class Predictor(Protocol):
    """A model that names faces."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of its outputs, in their order."""
        ...

    @property
    def colour(self) -> bool:
        """Return whether crops are to be coloured."""
        ...

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return (N, C) float32 probabilities for (N, 48, 48) uint8 gray or (N, 48, 48, 3) R, G, B crops."""
        ...


def load_predictor(path: str | Path, options: ModelOptions = AS_THE_FILE_SAYS) -> Predictor:
    """Return the predictor of a ``.tflite`` file or of any Keras model.

    Raises EdgeError for a file that is missing, broken, of another kind, or names no labels where none are given.
    """
    path = Path(path)
    if path.suffix == ".tflite":
        return open_tflite(path, options)
    from toolkit.models.network import open_network

    # TensorFlow writes notes on its own start to standard error, whatever its settings.
    with silenced(2):
        return open_network(path, options.labels, options.pixel_range, options.input_size)


def open_tflite(path: str | Path, options: ModelOptions) -> ExpressionModel:
    """Return the device's model of a ``.tflite`` file."""
    return load_model(
        path, options.labels, options.threads, delegate=options.delegate, pixel_range=options.pixel_range
    )


def load_predictors(paths: Sequence[str], options: ModelOptions = AS_THE_FILE_SAYS) -> dict[str, Predictor]:
    """Return the predictor of each file by its path; UsageError for an option that none of the files heeds."""
    predictors = {path: load_predictor(path, options) for path in paths}
    refuse_unheeded(predictors, options)
    return predictors


def refuse_unheeded(predictors: Mapping[str, Predictor], options: ModelOptions) -> None:
    """Raise UsageError for one of ``options`` that does nothing for any of the predictors, named by their files."""
    files = ", ".join(predictors)
    boards = [one for one in predictors.values() if isinstance(one, ExpressionModel)]
    interpreter = {
        "delegate": options.delegate is not None,
        "threads": options.threads != ModelOptions.threads,
    }
    for name in (name for name, given in interpreter.items() if given and not boards):
        raise UsageError(f"`{name}` is for .tflite files, received {files}; leave it out")
    if len(boards) < len(predictors):  # Keras heeds the others
        return
    if options.pixel_range and all(one.pixel_range != options.pixel_range for one in boards):
        raise UsageError(
            f"`pixel_range` is for files that do not tell which pixel values they take, received {files}, which tell; "
            "leave it out"
        )
    side = options.input_size
    if side and all(one.input_size_hw != (side, side) for one in boards):
        raise UsageError(
            f"`input_size` is for Keras models that take pictures of any size, received {files}; leave it out"
        )


class NarrowedPredictor:
    """A predictor restricted to some of its classes: their columns, rescaled to sum to 1 unless each stands alone."""

    def __init__(self, predictor: Predictor, classes: tuple[str, ...]):
        unknown = [name for name in classes if name not in predictor.labels]
        if unknown:
            known = ", ".join(predictor.labels)
            meant = did_you_mean(unknown[0], predictor.labels)
            raise EdgeError(f"the model does not know the class '{unknown[0]}'; {meant}it knows: {known}")
        self.predictor, self.labels, self.colour = predictor, tuple(classes), predictor.colour
        self.columns = [predictor.labels.index(name) for name in classes]

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return (N, C) float32 probabilities among the kept classes; a sigmoid a class stays what it is."""
        answers = self.predictor.predict(crops)
        kept = answers[:, self.columns]
        if not np.allclose(answers.sum(axis=1), 1, atol=SUM_TOLERANCE):
            return kept
        total = kept.sum(axis=1, keepdims=True)
        # An int8 softmax can round every kept class to 0: then nothing is known.
        return np.where(total > 0, kept / np.maximum(total, 1e-12), 1 / len(self.columns)).astype(np.float32)


def of_the_file(predictor: Predictor) -> "ExpressionModel | FloatNetwork":
    """Return the predictor as its file is, with all of its classes."""
    while isinstance(predictor, NarrowedPredictor):
        predictor = predictor.predictor
    return cast("ExpressionModel | FloatNetwork", predictor)
