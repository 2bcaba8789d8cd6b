"""What a model costs before it runs: parameters, and multiply-accumulate operations of one inference."""

import math
from pathlib import Path
from typing import Any

from device.model.file.tflite_file import read_tflite
from toolkit.models.opening.macs import keras_macs

WEIGHTED_OPERATORS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


def keras_cost(model: Any) -> tuple[int, int]:
    """Return (parameters, MACs) of a Keras model; MACs are those of convolutions and dense layers."""
    return int(model.count_params()), keras_macs(model)


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
