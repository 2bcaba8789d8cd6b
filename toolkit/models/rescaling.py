"""Whether a network scales pixels of 0..255 itself, by its layers and the numbers in them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

# What pixels of 0..255 become where a layer was made for them: caffe's means are taken away, nothing is enlarged.
LARGEST_RESULT = 256.0


def rescales_inside(model: "keras.Model") -> bool:
    """Return whether a layer of the model scales pixels of 0..255, before any layer with weights, frozen or not.

    ``Rescaling(2, -1)``, or a ``Normalization`` that was adapted to pixels of 0..1, is no such layer.
    """
    import keras

    for layer in _in_order(model):
        if isinstance(layer, keras.layers.Rescaling):
            return _suits_bytes(layer.scale, layer.offset)
        if isinstance(layer, keras.layers.Normalization):
            return _normalizes_bytes(layer)
        if layer.weights:
            return False
    return False


def _normalizes_bytes(layer: "keras.layers.Normalization") -> bool:
    if layer.mean is None:
        return False
    mean = np.asarray(layer.mean, np.float64)
    scale = 1 / np.sqrt(np.maximum(np.asarray(layer.variance, np.float64), 1e-14))
    return _suits_bytes(scale, -mean * scale)


def _suits_bytes(scale: Any, offset: Any) -> bool:
    """Return whether ``pixels * scale + offset`` was meant for 0..255: its result is small, and the pixel that it makes
    0 is none of the first grays."""
    scale, offset = np.broadcast_arrays(np.asarray(scale, np.float64), np.asarray(offset, np.float64))
    small = np.abs(scale) * 255 <= LARGEST_RESULT
    center = -offset / np.where(scale == 0, 1, scale)
    return bool((small & ((center == 0) | (np.abs(center) > 1))).all())


def _in_order(model: Any) -> Iterator[Any]:
    """Yield the layers of a model in their order, those of a model inside it in its place."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _in_order(layer)
        else:
            yield layer
