"""Whether a network may be built: its shapes are worked out without room for any weight, before it is built."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import EdgeError
from toolkit.models.opening.macs import keras_macs

if TYPE_CHECKING:
    import keras

MOST_LAYERS = 2000  # NASNetLarge has 1,039
LARGEST_ACTIVATION = (
    1 << 25
)  # numbers that a layer puts out for one image; EfficientNetB7's largest has 11.5 million

# All layers together, which Keras holds until the last has answered: 512 MB. ResNet152 at 224 puts out half of it.
LARGEST_SUM = 1 << 27
# Of a sequence that a layer goes through one by one; pixels of 64x64 are as many.
MOST_STEPS = 4096
MOST_MACS = 100_000_000_000  # EfficientNetB7 takes 37 billion multiply-accumulates for one image


def refuse_large_network(path: Path, load: Callable[[], "keras.Model"]) -> None:
    """Raise EdgeError where the network that ``load`` would build is too large, or does not fit its weights.

    ``load`` runs in a scope in which Keras makes no variables, only their shapes, and compares those with the weights
    in the file; its result is dropped.
    """
    import keras
    from keras.src.backend.common import global_state  # no public way to forget what a scope left unmade

    try:
        with keras.StatelessScope(initialize_variables=False):
            refuse_large_activations(path, load())
    finally:
        global_state.set_global_attribute("uninitialized_variables", [])


def refuse_large_activations(path: Path, model: "keras.Model") -> None:
    """Raise EdgeError where a layer of ``model`` puts out, or all together compute, more for one image than any image
    classifier does."""
    shapes = list(output_shapes(model))
    if len(shapes) > MOST_LAYERS:
        raise EdgeError(f"{path} has {len(shapes):,} layers; expected at most {MOST_LAYERS:,}")
    largest = max(shapes, key=elements, default=())
    if elements(largest) > LARGEST_ACTIVATION:
        raise EdgeError(
            f"{path} has a layer that makes {elements(largest):,} numbers for one image, shape {largest}; "
            f"expected at most {LARGEST_ACTIVATION:,}"
        )
    if (total := sum(map(elements, shapes))) > LARGEST_SUM:
        raise EdgeError(
            f"{path} has layers that make {total:,} numbers together for one image; expected at most "
            f"{LARGEST_SUM:,}"
        )
    if (steps := max(_steps(model), default=0)) > MOST_STEPS:
        raise EdgeError(
            f"{path} goes through a sequence of {steps:,} steps one by one; expected at most {MOST_STEPS:,}"
        )
    if (macs := keras_macs(model)) > MOST_MACS:
        raise EdgeError(f"{path} multiplies {macs:,} times for one image; expected at most {MOST_MACS:,}")


def elements(shape: tuple[int | None, ...]) -> int:
    """Return how many numbers one image gives in a tensor of ``shape`` (batch first); an open size counts once."""
    return math.prod(size or 1 for size in shape[1:])


def output_shapes(model: Any) -> Iterator[tuple[int | None, ...]]:
    """Yield the shape of everything that the operations of a model put out, those of models inside it too, and of what
    is made within them."""
    for operation in _operations(model):
        for node in operation._inbound_nodes:
            yield from (tuple(tensor.shape) for tensor in node.output_tensors)
            yield from _shapes_within(operation, node)


def _shapes_within(layer: Any, node: Any) -> Iterator[tuple[int | None, ...]]:
    """Yield the shapes of what ``layer`` makes on its way, called as ``node`` tells: a separable convolution channels
    before they are mixed, attention a number for each pair of places, in each head."""
    from keras import layers

    first, last = (tuple(node.input_tensors[at].shape) for at in (0, -1)) if node.input_tensors else ((), ())
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        yield (*node.output_tensors[0].shape[:-1], (first[-1] or 1) * layer.depth_multiplier)
    elif isinstance(layer, layers.MultiHeadAttention | layers.GroupQueryAttention):
        heads = getattr(layer, "num_query_heads", None) or layer.num_heads
        yield (None, heads, elements(first[:-1]), elements(last[:-1]))
    elif isinstance(
        layer, layers.Attention
    ):  # the additive one too, which adds before it sums over the channels
        channels = first[-1] if isinstance(layer, layers.AdditiveAttention) else 1
        yield (None, elements(first[:-1]), elements(last[:-1]), channels)


def _steps(model: Any) -> Iterator[int]:
    """Yield how many steps each layer of a model takes that calls what is inside it once a step."""
    for operation in _operations(model):
        for node in operation._inbound_nodes:
            if node.input_tensors:
                yield _steps_of(operation, tuple(node.input_tensors[0].shape))


def _steps_of(layer: Any, shape: tuple[int | None, ...]) -> int:
    """Return how many steps ``layer`` takes through an input of ``shape``, those of layers inside it too."""
    from keras import layers

    if isinstance(layer, layers.TimeDistributed):
        return (shape[1] or 1) * _steps_of(layer.layer, (shape[0], *shape[2:]))
    if isinstance(layer, layers.RNN | layers.Bidirectional):
        return shape[1] or 1
    return max(_steps(layer), default=1) if hasattr(layer, "layers") else 1


def _operations(model: Any) -> Iterator[Any]:
    """Yield the operations of a model, those of models inside it before the model itself."""
    network = getattr(model, "_functional", None) or model
    for operation in getattr(network, "operations", None) or model.layers:
        if hasattr(operation, "layers") and operation is not model:
            yield from _operations(operation)
        yield operation
