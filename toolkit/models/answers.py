"""The answers of a Keras network to any number of images, asked for in batches that fit into memory."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from device.errors import EdgeError
from toolkit.models.opening.size_check import MOST_IMAGES, numbers_for_one_image
from toolkit.quiet_tensorflow import reason_of

if TYPE_CHECKING:
    import keras

WORTH_COMPILING = 100
# Numbers that all layers together may put out for a batch; Keras holds them until the last one has.
LARGEST_BATCH = 1 << 26
UNKNOWN_BATCH = 4  # of a SavedModel, tried with one image: what it makes on its way is not known


def ask(
    path: Path,
    model: "keras.Model",
    images: np.ndarray,
    prepare: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return the model's outputs as ``float32``, under any Keras backend; EdgeError where it cannot compute them.

    ``prepare`` makes the model's inputs of some of ``images``. For many of them the model is compiled: a call of the
    model itself takes up to four times as long, but to compile it takes as long as a hundred such answers.
    """
    import keras

    size, parts = _batch_of(path, model), []
    try:
        for start in range(0, len(images), size):
            batch = prepare(images[start : start + size])
            if len(images) < WORTH_COMPILING:
                answers = keras.ops.convert_to_numpy(model(batch, training=False))
            else:
                answers = model.predict_on_batch(batch)
            answers = np.asarray(answers, np.float32)
            if len(answers) != len(batch):
                raise ValueError(f"{len(batch)} images give {len(answers)} rows of scores")
            parts.append(answers.reshape(len(answers), -1))
    except (
        Exception
    ) as error:  # Keras and its backends raise many kinds for settings that do not fit a picture
        raise EdgeError(f"{path} does not compute: {reason_of(error)}; save the network again") from error
    return np.concatenate(parts)


def _batch_of(path: Path, model: "keras.Model") -> int:
    """Return how many images may be asked for at once."""
    import keras

    if any(isinstance(layer, keras.layers.TFSMLayer) for layer in model._flatten_layers()):
        return UNKNOWN_BATCH
    return max(1, min(MOST_IMAGES, LARGEST_BATCH // max(1, numbers_for_one_image(path, model))))
