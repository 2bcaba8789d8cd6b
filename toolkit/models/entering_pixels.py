"""What has become of pixels where they enter a layer of a network, asked about a black and a white picture."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

UNCHANGED = (np.ones(1), np.zeros(1))


# A layer, and scale and offset of what enters it.
Found = tuple[Any, tuple[np.ndarray, np.ndarray]] | None


def first_layer(model: "keras.Model", wanted: Callable[[Any], bool]) -> Found:
    """Return the first layer of ``model`` that is ``wanted``, of models inside it too, and what enters it; or None.

    That is a scale and an offset a channel, (C,) each, of pixels of 0..255: the median of all places, for a margin of
    zeros says nothing. A part that cannot compute, or takes pictures of any size, counts as leaving the pixels as
    they are.
    """
    shape = model.input_shape[1:]
    levels = np.array([0, 255], np.float32).reshape(2, *(1 for _ in shape))
    return _first(model, None if None in shape else np.tile(levels, (1, *shape)), wanted)


def _first(model: "keras.Model", pictures: Any, wanted: Callable[[Any], bool]) -> Found:
    import keras

    inner = keras.Model(model.inputs[0], model.outputs[0])  # of a Sequential too, the graph of its layers
    depths = sorted(inner._nodes_by_depth, reverse=True)
    for node in (node for depth in depths for node in inner._nodes_by_depth[depth]):
        layer = node.operation
        if isinstance(layer, keras.Model):
            if any(wanted(one) for one in layer._flatten_layers(include_self=False)):
                return _first(layer, _entering(inner, node, pictures), wanted)
        elif isinstance(layer, keras.Layer) and wanted(layer):
            return layer, _linear(_entering(inner, node, pictures))
    return None


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
