"""What int8 kernels ask of the ranges of activations, beyond what was measured.

The greater of two numbers, a slice or a choice has the scale of what it reads, and the converter takes that scale from
the result, or from what the result is joined with: where that has the narrower range, everything else that reads the
same numbers finds them clipped. Such results are a leaky ReLU written as ``maximum(x, 0.1 * x)``, the greatest channel
in a spatial attention (CBAM, arXiv 1807.06521) and one half of a channel shuffle (ShuffleNet, arXiv 1707.01083).

A sum that is nothing beside its summands, as where a ReLU behind it is dead, has no scale that its kernel takes.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from toolkit.models.tflite_object import constant, operator_name

# Operators whose int8 kernels ask for one scale of what they read and write.
SAME_SCALE = (
    "MAXIMUM", "MINIMUM", "REDUCE_MAX", "REDUCE_MIN", "SELECT", "SELECT_V2", "SPLIT", "SPLIT_V", "UNPACK", "SLICE",
    "STRIDED_SLICE", "GATHER", "GATHER_ND", "CONCATENATION", "PACK", "MAX_POOL_2D", "AVERAGE_POOL_2D",
    "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "TOPK_V2", "REVERSE_V2", "RESHAPE", "SQUEEZE", "EXPAND_DIMS",
    "TRANSPOSE", "PAD", "PADV2", "MIRROR_PAD", "TILE", "BROADCAST_TO", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
    "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND",
)  # fmt: skip
UNTIED = ("REVERSE_V2",)  # of which the converter does not know it
SUMS = ("ADD", "SUB")
LEAST_SHARE = 1 / 64  # a step of the summand is 64 of the sum then: nothing is lost


def apply_range_rules(model: Any) -> None:
    """Give the activations of a calibrated ``schema.ModelT`` ranges that int8 kernels can stand on."""
    share_ranges(model)
    if widen_sums(model):
        share_ranges(model)


def share_ranges(model: Any) -> None:
    """Give activations that share a scale the range of all of them.

    A straight line of operators, each the only reader of what it reads, stays as it is: there nobody misses what is
    clipped, and the narrower range is the finer one.
    """
    graph = model.subgraphs[0]
    operators = _operators(model, SAME_SCALE)
    joined = _joined(graph, operators)
    readers = Counter(int(index) for operator in graph.operators for index in operator.inputs)
    forks = {joined[index] for index in joined if readers[index] > 1}
    several = [operator for operator in operators if len(operator.outputs) > 1]
    parts = (index for operator in (*several, *_operators(model, UNTIED)) for index in operator.outputs)
    forks |= {joined[index] for index in parts if index in joined}
    for fork in forks:
        ranges = [graph.tensors[index].quantization for index in joined if joined[index] == fork]
        least, greatest = min(one.min[0] for one in ranges), max(one.max[0] for one in ranges)
        for one in ranges:
            one.min, one.max = [least], [greatest]


def widen_sums(model: Any) -> bool:
    """Give sums at least a share of the range of their summands; return whether one had less."""
    widened = False
    for operator in _operators(model, SUMS):
        total = model.subgraphs[0].tensors[operator.outputs[0]]
        least = LEAST_SHARE * max(_width(model, index) for index in operator.inputs)
        if _has_range(total) and _width(model, operator.outputs[0]) < least:
            written = total.quantization
            written.max, widened = [max(written.min[0], 0) + least], True
    return widened


def _width(model: Any, index: int) -> float:
    """Return how wide the range of an activation or constant is, from zero at least; 0 where there is none."""
    from ai_edge_litert.schema_py_generated import TensorType

    tensor = model.subgraphs[0].tensors[index]
    ends = np.zeros(2)
    if _has_range(tensor):
        ends = np.array([tensor.quantization.min[0], tensor.quantization.max[0]])
    elif model.buffers[tensor.buffer].data is not None and tensor.type == TensorType.FLOAT32:
        ends = constant(model, index, np.float32)
    return float(max(0, ends.max()) - min(0, ends.min()))


def _operators(model: Any, names: Collection[str]) -> list[Any]:
    return [operator for operator in model.subgraphs[0].operators if operator_name(model, operator) in names]


def _joined(graph: Any, operators: list[Any]) -> dict[int, int]:
    """Return for each activation of ``operators`` that has a range the least of those that share its scale."""
    groups: dict[int, set[int]] = {}
    for operator in operators:
        named = [int(index) for index in (*operator.inputs, *operator.outputs)]
        ranged = [index for index in named if index >= 0 and _has_range(graph.tensors[index])]
        together = set(ranged).union(*(groups.get(index, ()) for index in ranged))
        groups |= dict.fromkeys(together, together)
    return {index: min(group) for index, group in groups.items()}


def _has_range(tensor: Any) -> bool:
    ranges = tensor.quantization
    return ranges is not None and ranges.min is not None and len(ranges.min) == 1
