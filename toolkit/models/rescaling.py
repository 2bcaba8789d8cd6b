"""Whether a network scales pixels of 0..255 itself: by its layers, and by what becomes of black and white."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

# What pixels of 0..255 become where a layer was made for them: caffe's means are taken away, nothing is enlarged.
LARGEST_RESULT = 256.0
UNCHANGED = (np.ones(1), np.zeros(1))
# A layer, and scale and offset of what enters it.
Found = tuple[Any, tuple[np.ndarray, np.ndarray]] | None


def rescales_inside(model: "keras.Model") -> bool:
    """Return whether the model scales pixels of 0..255 before any layer with weights, frozen or not.

    By a layer, or by bare operations such as ``image / 127.5 - 1``. ``Rescaling(2, -1)``, a ``Normalization`` that was
    adapted to pixels of 0..1, or ``image * 255`` before it, tells of other pixels; ``Rescaling(1)`` of these.
    """
    found = _first_layer(model)
    if found is None:
        return False
    layer, (scale, offset) = found
    if not _suits_bytes(scale, offset):
        return False
    if not _scales_pixels(layer):
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


def _first_layer(model: "keras.Model") -> Found:
    """Return the first layer of ``model``, of models inside it too, that scales pixels or has weights, and what enters
    it; or None.

    That is a scale and an offset a channel, (C,) each, of pixels of 0..255: the median of all places, for a margin of
    zeros says nothing. A part that cannot compute, or takes pictures of any size, counts as leaving the pixels as
    they are.
    """
    shape = model.input_shape[1:]
    levels = np.array([0, 255], np.float32).reshape(2, *(1 for _ in shape))
    return _first(model, None if None in shape else np.tile(levels, (1, *shape)))


def _first(model: "keras.Model", pictures: Any) -> Found:
    import keras

    inner = keras.Model(model.inputs[0], model.outputs[0])  # of a Sequential too, the graph of its layers
    depths = sorted(inner._nodes_by_depth, reverse=True)
    for node in (node for depth in depths for node in inner._nodes_by_depth[depth]):
        layer = node.operation
        if isinstance(layer, keras.Model):
            if any(_tells(one) for one in layer._flatten_layers(include_self=False)):
                return _first(layer, _entering(inner, node, pictures))
        elif isinstance(layer, keras.Layer) and _tells(layer):
            return layer, _linear(_entering(inner, node, pictures))
    return None


def _scales_pixels(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)


def _tells(layer: Any) -> bool:
    """Return whether what enters a layer tells of pixels: it scales them, or it learnt from them."""
    return _scales_pixels(layer) or bool(layer.weights)


def _entering(model: "keras.Model", node: Any, pictures: Any) -> Any:
    """Return what enters ``node`` where ``pictures`` enter the model; None where they are none or it cannot compute."""
    import keras

    try:
        return keras.Model(model.inputs[0], node.input_tensors[0])(pictures, training=False)
    except Exception:  # as many kinds as there are layers; who asks for answers tells it
        return None


def _linear(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and offset, a channel each, that make ``values``, of (2, ..., C), of a black and a white picture."""
    import keras

    if values is None:
        return UNCHANGED
    numbers = keras.ops.convert_to_numpy(values).astype(np.float64)
    black, white = np.median(numbers.reshape(2, -1, numbers.shape[-1]), axis=1)
    return (white - black) / 255, black
