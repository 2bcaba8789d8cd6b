"""Multiply-accumulates of a Keras network, from its shapes alone."""

import math
from typing import Any

KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def keras_macs(model: Any) -> int:
    """Return the MACs of one inference of a Keras model, built or not; an open size counts once."""
    return sum(_keras_layer_macs(layer) for layer in model._flatten_layers())


def _keras_layer_macs(layer: Any) -> int:
    if (cell := getattr(layer, "cell", None)) is not None:  # recurrent: each step uses every weight once
        steps = (layer.get_build_config() or {}).get("input_shape", (None, None))[1] or 1
        return int(steps) * sum(
            math.prod(map(int, weight.shape)) for weight in cell.weights if len(weight.shape) > 1
        )
    if not layer._inbound_nodes:  # part of another layer
        return 0
    kernels = [kernel for name in KERNELS if (kernel := getattr(layer, name, None)) is not None]
    if not kernels:
        return 0
    # Channels last: between batch and channels stand the positions at which every weight is used once.
    positions = math.prod(int(size or 1) for size in layer.output.shape[1:-1])
    return positions * sum(math.prod(map(int, kernel.shape)) for kernel in kernels)
