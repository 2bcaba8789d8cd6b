"""What a model costs before it runs: parameters, and multiply-accumulate operations of one inference."""

import math
from pathlib import Path
from typing import Any

from device.model.file.tflite_file import read_tflite

WEIGHTED_OPERATORS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def keras_cost(model: Any) -> tuple[int, int]:
    """Return (parameters, MACs) of a Keras model; MACs are those of convolutions and dense layers."""
    return int(model.count_params()), sum(_keras_layer_macs(layer) for layer in model._flatten_layers())


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
    positions = math.prod(int(size) for size in layer.output.shape[1:-1])
    return positions * sum(math.prod(map(int, kernel.shape)) for kernel in kernels)


def tflite_cost(source: str | Path | bytes) -> tuple[int, int]:
    """Return (parameters, MACs) of a TFLite file, by path or as bytes: those of its convolutions and dense layers."""
    graph = read_tflite(source)
    macs = 0
    counted: set[int] = set()
    for operator in graph.operators:
        if operator.name not in WEIGHTED_OPERATORS:
            continue
        counted.update(index for index in operator.inputs[1:] if index >= 0)
        positions = math.prod(graph.tensors[operator.outputs[0]].shape[1:-1])
        macs += positions * graph.tensors[operator.inputs[1]].elements
    return sum(graph.tensors[index].elements for index in counted), macs
