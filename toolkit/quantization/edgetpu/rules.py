"""Whether a .tflite would run whole on a Coral Edge TPU, by the compiler's documented rules; no TensorFlow
needed.

The rules are those of https://coral.ai/docs/edgetpu/models-intro (model requirements, supported operations).
What only the compiler knows (it keeps some operators of large tensors on the CPU) is not held here.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from device.model.checks.operators import option_of
from device.model.file.tflite_file import Operator, Tensor, TfliteFile

MAPPED = "maps to the Edge TPU"
AFTER_THE_FIRST = "stays on the CPU: an operator before it does, and there is one partition only"
INTEGERS = ("int8", "uint8", "int32")  # int32: biases, and the constants that say axes or shapes
LARGEST_SOFTMAX = 16_000
ON_CHIP_BYTES = 8 << 20  # the parameters beyond it are streamed at each inference

Check = Callable[[Operator, TfliteFile], str | None]


@dataclass(frozen=True)
class MappedOperator:
    """One operator in order: whether it maps, and why not."""

    operator: str
    tensor: str
    mapped: bool
    reason: str


@dataclass(frozen=True)
class EdgeTpuCheck:
    """The table of operators, and the bytes of constants that those that map need on the chip."""

    operators: tuple[MappedOperator, ...]
    parameter_bytes: int

    @property
    def whole(self) -> bool:
        return all(operator.mapped for operator in self.operators)

    def to_json(self) -> dict[str, Any]:
        return {
            "whole": self.whole,
            "parameter_bytes": self.parameter_bytes,
            "fits_on_chip": self.parameter_bytes <= ON_CHIP_BYTES,
            "operators": [asdict(operator) for operator in self.operators],
        }


def check_edgetpu(file: TfliteFile) -> EdgeTpuCheck:
    """Return what of ``file`` would run on the Edge TPU: all up to the first operator that does not map."""
    rows: list[MappedOperator] = []
    parameters: set[int] = set()
    stopped = False
    for operator in file.operators:
        reason = why_not_mapped(operator, file)
        mapped = reason is None and not stopped
        if mapped:
            parameters.update(i for i in operator.inputs if i >= 0 and file.tensors[i].constant is not None)
        text = MAPPED if mapped else f"stays on the CPU: {reason}" if reason else AFTER_THE_FIRST
        rows.append(MappedOperator(operator.name, file.tensors[operator.outputs[0]].name, mapped, text))
        stopped = stopped or reason is not None
    size = sum(len(file.tensors[index].constant or b"") for index in parameters)
    return EdgeTpuCheck(tuple(rows), size)


def why_not_mapped(operator: Operator, file: TfliteFile) -> str | None:
    """Return why ``operator`` by itself cannot map, or None."""
    if operator.name not in SUPPORTED:
        return "the Edge TPU has no such operator"
    tensors = [file.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
    for tensor in tensors:
        if (reason := _unfit(tensor)) is not None:
            return reason
    check = SUPPORTED[operator.name]
    return check(operator, file) if check else None


def _unfit(tensor: Tensor) -> str | None:
    if tensor.dtype not in INTEGERS:
        return f"a tensor is {tensor.dtype}, not of 8 bits"
    if not tensor.is_static:
        return f"a tensor's size is open: {list(tensor.shape_signature)}"
    if any(size > 1 for size in tensor.shape[:-3]) and tensor.constant is None:
        return f"only the three innermost dimensions may be above 1, here {list(tensor.shape)}"
    return None


def _constant_weights(operator: Operator, file: TfliteFile) -> str | None:
    if any(file.tensors[index].constant is None for index in operator.inputs[1:] if index >= 0):
        return "weights or bias are not constant"
    return None


def _convolution(operator: Operator, file: TfliteFile) -> str | None:
    width, height = (option_of(operator, name) for name in ("dilation_w", "dilation_h"))
    if width != height:
        return f"dilations differ: {height} by {width}"
    return _constant_weights(operator, file)


def _unfused(operator: Operator, file: TfliteFile) -> str | None:
    return "an activation is fused into it" if option_of(operator, "activation") else None


def _concatenation(operator: Operator, file: TfliteFile) -> str | None:
    constants = [file.tensors[i] for i in operator.inputs if file.tensors[i].constant is not None]
    padding = len(operator.inputs) == 2 and all(
        (tensor.values() == (tensor.zero_points or (0,))[0]).all() for tensor in constants
    )
    if constants and not padding:
        return "a constant is joined that is not all zeros"
    return _unfused(operator, file)


def _dense(operator: Operator, file: TfliteFile) -> str | None:
    weights = file.tensors[operator.inputs[1]]
    if len(weights.scales) > 1:
        return f"its weights have {len(weights.scales)} scales, one is allowed"
    if option_of(operator, "weights_format"):
        return "its weights are shuffled"
    if any(size > 1 for size in file.tensors[operator.outputs[0]].shape[:-1]):
        return "its output is not one-dimensional"
    return _constant_weights(operator, file)


def _axes(operator: Operator, file: TfliteFile) -> list[int] | None:
    rank = len(file.tensors[operator.inputs[0]].shape)
    axes = file.tensors[operator.inputs[1]]
    return None if axes.constant is None else [int(axis) % rank for axis in axes.values().reshape(-1)]


def _reduction(operator: Operator, file: TfliteFile) -> str | None:
    shape, axes = file.tensors[operator.inputs[0]].shape, _axes(operator, file)
    if axes is None:
        return "its axes are not constant"
    if len(shape) > 1 and 0 in axes:
        return "it reduces over the batch"
    if operator.name == "MEAN" and shape[-1] % 4:
        return f"it has {shape[-1]} channels, not a multiple of 4"
    return None


def _padding(operator: Operator, file: TfliteFile) -> str | None:
    pads = file.tensors[operator.inputs[1]]
    if pads.constant is None:
        return "its widths are not constant"
    values = pads.values()
    return "it pads batch or channels" if values[0].any() or (len(values) == 4 and values[-1].any()) else None


def _softmax(operator: Operator, file: TfliteFile) -> str | None:
    shape = file.tensors[operator.inputs[0]].shape
    if any(size > 1 for size in shape[:-1]) or shape[-1] > LARGEST_SOFTMAX:
        return f"it takes one dimension of at most {LARGEST_SOFTMAX}, here {list(shape)}"
    return None


def _prelu(operator: Operator, file: TfliteFile) -> str | None:
    alpha = file.tensors[operator.inputs[1]].shape
    return "its slope differs from place to place" if any(size > 1 for size in alpha[:-1]) else None


def _resize(operator: Operator, file: TfliteFile) -> str | None:
    return None if len(file.tensors[operator.inputs[0]].shape) <= 4 else "it takes three dimensions"


def _strided_slice(operator: Operator, file: TfliteFile) -> str | None:
    strides = file.tensors[operator.inputs[3]]
    if strides.constant is None or (strides.values() != 1).any():
        return "its strides are not 1"
    return (
        "it has an ellipsis or a new axis"
        if option_of(operator, "ellipsis_mask") or option_of(operator, "new_axis_mask")
        else None
    )


# Each supported operator, with the documented limit where it has one.
SUPPORTED: dict[str, Check | None] = {
    "ADD": None, "SUB": None, "MUL": None, "MAXIMUM": None, "MINIMUM": None, "SQUARED_DIFFERENCE": None,
    "RELU": None, "RELU6": None, "RELU_N1_TO_1": None, "LOGISTIC": None, "TANH": None, "RSQRT": None,
    "QUANTIZE": None, "RESHAPE": None, "SQUEEZE": None, "EXPAND_DIMS": None, "SLICE": None, "SPLIT": None,
    "PACK": None, "SPACE_TO_DEPTH": None, "TRANSPOSE": None, "L2_NORMALIZATION": None,
    "CONV_2D": _convolution, "DEPTHWISE_CONV_2D": _convolution, "TRANSPOSE_CONV": None,
    "AVERAGE_POOL_2D": _unfused, "MAX_POOL_2D": _unfused, "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _dense, "MEAN": _reduction, "SUM": _reduction, "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction, "PAD": _padding, "PRELU": _prelu, "SOFTMAX": _softmax,
    "RESIZE_BILINEAR": _resize, "RESIZE_NEAREST_NEIGHBOR": _resize, "STRIDED_SLICE": _strided_slice,
}  # fmt: skip
