"""Whether a network scales pixels of 0..255 itself: by its layers, and by what becomes of black and white."""

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.models.entering_pixels import first_layer

if TYPE_CHECKING:
    import keras

# What pixels of 0..255 become where a layer was made for them: caffe's means are taken away, nothing is enlarged.
LARGEST_RESULT = 256.0


def rescales_inside(model: "keras.Model") -> bool:
    """Return whether the model scales pixels of 0..255 before any layer with weights, frozen or not.

    By a layer, or by bare operations such as ``image / 127.5 - 1``. ``Rescaling(2, -1)``, a ``Normalization`` that was
    adapted to pixels of 0..1, or ``image * 255`` before it, tells of other pixels; ``Rescaling(1)`` of these.
    """
    import keras

    scaling = (keras.layers.Rescaling, keras.layers.Normalization)
    found = first_layer(model, lambda layer: isinstance(layer, scaling) or bool(layer.weights))
    if found is None:
        return False
    layer, (scale, offset) = found
    if not _suits_bytes(scale, offset):
        return False
    if not isinstance(layer, scaling):
        return not _is_unchanged(scale, offset)
    own_scale, own_offset = _numbers_of(layer)
    return _suits_bytes(scale * own_scale, offset * own_scale + own_offset)


def _numbers_of(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return by what a layer that scales pixels multiplies them, and what it adds then."""
    import keras

    if isinstance(layer, keras.layers.Rescaling):
        return np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    to_numpy = keras.ops.convert_to_numpy
    mean, variance = (to_numpy(one).astype(np.float64) for one in (layer.mean, layer.variance))
    scale = 1 / np.sqrt(np.maximum(variance, 1e-14))
    return scale, -mean * scale


def _is_unchanged(scale: np.ndarray, offset: np.ndarray) -> bool:
    """Return whether pixels are as in the picture; where black and white are alike, nothing tells that they are not."""
    seen = scale != 0
    return bool((np.isclose(scale, 1) & np.isclose(offset, 0))[seen].all())


def _suits_bytes(scale: Any, offset: Any) -> bool:
    """Return whether ``pixels * scale + offset`` was meant for 0..255: its result is small, and the pixel that it makes
    0 is none of the first grays."""
    scale, offset = np.broadcast_arrays(np.asarray(scale, np.float64), np.asarray(offset, np.float64))
    small = np.abs(scale) * 255 <= LARGEST_RESULT
    center = -offset / np.where(scale == 0, 1, scale)
    return bool((small & ((center == 0) | (np.abs(center) > 1))).all())
