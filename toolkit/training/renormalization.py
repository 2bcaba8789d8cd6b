"""Statistics of our faces in batch normalisations: of a network that learnt from other pictures, and of an average."""

from collections.abc import Sequence

import keras
import numpy as np

from toolkit.data.even_choice import even_rows
from toolkit.training.pixels import inputs_of

FACES = 1024
BATCH = 32


def renormalize(model: keras.Model, faces: np.ndarray) -> None:
    """Give every batch normalisation of ``model`` the mean and variance of ``faces``, (N, 48, 48[, 3]) uint8.

    FACES of them, evenly spread, are looked at. Scale and offset change with them, so that the model answers as
    before. In training a layer normalises by the batch at hand; with statistics of other pictures, or none, the first
    step would undo what the weights know.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    faces = faces[even_rows(len(faces), FACES)]
    probe = keras.Model(model.input, [layer.input for layer in norms])
    sums = [np.zeros(layer.gamma.shape) for layer in norms]
    squares = [np.zeros(layer.gamma.shape) for layer in norms]
    counts = [0] * len(norms)
    for start in range(0, len(faces), BATCH):
        inputs = inputs_of(model, faces[start : start + BATCH])
        for index, values in enumerate(probe(inputs, training=False)):
            flat = keras.ops.convert_to_numpy(keras.ops.cast(values, "float32"))
            flat = flat.reshape(-1, flat.shape[-1]).astype(np.float64)
            sums[index] += flat.sum(axis=0)
            squares[index] += (flat**2).sum(axis=0)
            counts[index] += len(flat)
    for layer, total, square, count in zip(norms, sums, squares, counts, strict=True):
        gamma, beta, mean, variance = layer.get_weights()
        new_mean = total / count
        new_variance = np.maximum(square / count - new_mean**2, 0)
        scale = gamma / np.sqrt(variance + layer.epsilon)
        layer.set_weights(
            [
                scale * np.sqrt(new_variance + layer.epsilon),
                beta + scale * (new_mean - mean),
                new_mean,
                new_variance,
            ]
        )


def reestimate_statistics(model: keras.Model, batches: Sequence[np.ndarray]) -> None:
    """Give every batch normalisation that learns the mean and variance that ``batches`` of inputs have in it.

    Moving averages follow the weights some fifty steps behind, and an average of weights has statistics of its own
    (Izmailov et al., arXiv 1803.05407): with a handful of steps an epoch they are far off. Every batch weighs alike.
    """
    norms = [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    if not norms:
        return
    momenta = [layer.momentum for layer in norms]
    try:
        for number, batch in enumerate(batches):
            for layer in norms:
                layer.momentum = number / (number + 1)
            model(batch, training=True)
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
