"""One range for activations that share a scale.

The greater of two numbers, a slice or a choice has the scale of what it reads, and the converter takes that scale from
the result: where the result has the narrower range, everything else that reads the same numbers finds them clipped.
Such results are a leaky ReLU written as ``maximum(x, 0.1 * x)``, the greatest channel in a spatial attention (CBAM,
arXiv 1807.06521) and one half of a channel shuffle (ShuffleNet, arXiv 1707.01083).
"""

from collections import Counter
from typing import Any

# Operators whose int8 kernels ask for one scale of what they read and write.
SAME_SCALE = """
    MAXIMUM MINIMUM REDUCE_MAX REDUCE_MIN SELECT SELECT_V2 SPLIT SPLIT_V UNPACK SLICE STRIDED_SLICE GATHER
    CONCATENATION PACK MAX_POOL_2D AVERAGE_POOL_2D RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR
    RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE PAD PADV2 MIRROR_PAD TILE BROADCAST_TO
    SPACE_TO_DEPTH DEPTH_TO_SPACE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND
"""


def share_ranges(model: Any) -> None:
    """Give activations of a calibrated ``schema.ModelT`` that share a scale the range of all of them.

    A straight line of operators, each the only reader of what it reads, stays as it is: there nobody misses what is
    clipped, and the narrower range is the finer one.
    """
    graph = model.subgraphs[0]
    operators = [operator for operator in graph.operators if _keeps_scale(model, operator)]
    joined = _joined(graph, operators)
    readers = Counter(int(index) for operator in graph.operators for index in operator.inputs)
    forks = {joined[index] for index in joined if readers[index] > 1}
    parts = (index for operator in operators if len(operator.outputs) > 1 for index in operator.outputs)
    forks |= {joined[index] for index in parts if index in joined}
    for fork in forks:
        ranges = [graph.tensors[index].quantization for index in joined if joined[index] == fork]
        least, greatest = min(one.min[0] for one in ranges), max(one.max[0] for one in ranges)
        for one in ranges:
            one.min, one.max = [least], [greatest]


def _keeps_scale(model: Any, operator: Any) -> bool:
    from ai_edge_litert import schema_py_generated as schema

    kinds = {getattr(schema.BuiltinOperator, name) for name in SAME_SCALE.split()}
    return model.operatorCodes[operator.opcodeIndex].builtinCode in kinds


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
