"""Weights given to a network, and what its layers keep of them."""

from collections.abc import Sequence

import keras
import numpy as np


def give_weights(layer: keras.layers.Layer, weights: Sequence[np.ndarray]) -> None:
    """Set the weights of a layer or a model, arrays in the order of its ``weights``."""
    layer.set_weights(weights)
    renew_constants(layer)


def renew_constants(layer: keras.layers.Layer) -> None:
    """Let a layer, or the layers of a model, follow weights that were set from outside.

    An adapted ``Normalization`` computes by constants that it once made of its weights, mean 0 and variance 1 in a
    copy; ``set_weights`` leaves them as they are.
    """
    for one in layer._flatten_layers():
        if isinstance(one, keras.layers.Normalization):
            one.finalize_state()


def give_statistics(copied: keras.Model, model: keras.Model) -> None:
    """Give the adapted normalizations of ``copied``, a clone of ``model``, what those were adapted to.

    Where the clone takes another number of channels, all of its channels get the mean.
    """
    for new, old in zip(copied._flatten_layers(), model._flatten_layers(), strict=True):
        if isinstance(new, keras.layers.Normalization):
            shapes = [weight.shape for weight in new.weights]
            pairs = zip(old.get_weights(), shapes, strict=True)
            give_weights(
                new,
                [value if value.shape == shape else np.full(shape, value.mean()) for value, shape in pairs],
            )
