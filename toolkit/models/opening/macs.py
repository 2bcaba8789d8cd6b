"""Multiply-accumulates of a Keras network, from its shapes alone."""

import math
from typing import Any

from toolkit.models.opening.calls import Shape

KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def keras_macs(model: Any) -> int:
    """Return the MACs of one inference of a Keras model, built or not: those of its convolutions, dense and recurrent
    layers, each time that they are called; an open size counts once."""
    network = getattr(model, "_functional", None) or model
    return sum(
        layer_macs(
            node.operation,
            (None, *node.input_tensors[0].shape[1:]),
            (None, *node.output_tensors[0].shape[1:]),
        )
        for nodes in getattr(network, "_nodes_by_depth", {}).values()
        for node in nodes
        if node.input_tensors
    )


def layer_macs(layer: Any, takes: Shape, gives: Shape) -> int:
    """Return the MACs of ``layer`` for an input of the shape ``takes``, of which it makes ``gives``, batch first."""
    from keras import layers

    if hasattr(layer, "layers"):
        return keras_macs(layer)
    if isinstance(layer, layers.TimeDistributed):
        return (takes[1] or 1) * layer_macs(layer.layer, _step(takes), _step(gives))
    if isinstance(layer, layers.Bidirectional):
        return sum(layer_macs(one, takes, gives) for one in (layer.forward_layer, layer.backward_layer))
    if (cell := getattr(layer, "cell", None)) is not None:  # recurrent: each step uses every weight
        kernels = [weight for weight in cell.weights if len(weight.shape) > 1]
        return (
            (takes[0] or 1)
            * (takes[1] or 1)
            * sum(_weights(kernel) * _places(gives, kernel) for kernel in kernels)
        )
    kernels = [kernel for name in KERNELS if (kernel := getattr(layer, name, None)) is not None]
    # Channels last: before them stand the images and positions at which every weight is used once.
    return math.prod(size or 1 for size in gives[:-1]) * sum(map(_weights, kernels))


def _weights(kernel: Any) -> int:
    return math.prod(map(int, kernel.shape))


def _step(shape: Shape) -> Shape:
    return (shape[0], *shape[2:])


def _places(gives: Shape, kernel: Any) -> int:
    """Return at how many positions a step uses the ``kernel`` of a recurrent layer: of a convolution at each."""
    return math.prod(size or 1 for size in gives[-1 - max(0, len(kernel.shape) - 2) : -1])
