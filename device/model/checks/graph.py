"""Whether a graph is one that this program understands in full, before an interpreter sees it.

LiteRT trusts a model: it divides by strides of 0, reads scales that are not there, allocates what a crafted
padding says and runs a loop that never ends. A graph passes here when it has one subgraph of known operators,
every tensor has the shape that its operator computes, every quantized tensor a scale and a zero point, and its
memory and arithmetic stay within bounds. What does not pass may still be a good model: ``confinement`` runs it in a
process of its own.
"""

import math
from dataclasses import replace

import numpy as np

from device.model.checks.operator_call import QUANTIZED, Call, Shape, UnfamiliarError, expect, scale_of
from device.model.checks.operators import Kind, kind_of, read_options, signature_of
from device.model.checks.scale_rules import refused_scales
from device.model.file.flatbuffer import MalformedFile
from device.model.file.tflite_file import Operator, Tensor, TfliteFile

MOST_OPERATORS = 5000
MOST_BYTES = 256 << 20
# ResNet50 takes 4 G multiplications on 224x224; a Raspberry Pi 4 about a second for them.
MOST_MACS = 5_000_000_000
INT16_FACTOR = 20  # LiteRT's kernels for int16 are the slow reference ones
MOST_KNOWN = 1024  # numbers in a tensor of positions
LEAST_SCALE, MOST_SCALE = 2.0**-70, 2.0**30
MOST_GAIN = 2.0**20


def unfamiliar(file: TfliteFile) -> str | None:
    """Return the first thing in ``file`` that is not understood, as part of a sentence; None: all of it is.

    >>> unfamiliar(read_tflite("best_int8.tflite"))
    >>> unfamiliar(read_tflite("gru.tflite"))
    'it has 3 subgraphs'
    """
    try:
        _check_graph(file)
    except UnfamiliarError as error:
        return str(error)
    return None


def _check_graph(file: TfliteFile) -> None:
    expect(file.subgraph_count == 1, f"it has {file.subgraph_count} subgraphs")
    expect(len(file.operators) <= MOST_OPERATORS, f"it has {len(file.operators)} operators")
    for index in sorted({*file.inputs, *file.outputs}):
        _check_tensor(file.tensors[index])
    tensors, known = list(file.tensors), [_known(tensor) for tensor in file.tensors]
    total = Totals()
    for number, operator in enumerate(file.operators):
        try:
            _check_operator(operator, tensors, known, total)
        except (UnfamiliarError, MalformedFile) as error:  # its options were not read before
            raise UnfamiliarError(f"operator {number}, {operator.name}: {error}") from None
    for index in file.outputs:
        declared, shape = file.tensors[index].shape, tensors[index].shape
        expect(declared == shape, f"its output has the shape {list(shape)}, declared is {list(declared)}")


class Totals:
    """What the operators so far take; UnfamiliarError once it is too much."""

    def __init__(self) -> None:
        self.bytes = self.macs = 0

    def add(self, call: Call) -> None:
        tensors = [tensor for tensor in (*call.inputs, *call.outputs) if tensor is not None]
        slow = any(tensor.dtype == "int16" for tensor in tensors)
        self.macs += max(
            call.macs * (INT16_FACTOR if slow else 1), sum(tensor.elements for tensor in tensors)
        )
        # Constants count at each use: a kernel may pack its own copy.
        kept = [tensor for tensor in call.inputs if tensor is not None and tensor.constant is not None]
        self.bytes += call.scratch_bytes + sum(tensor.byte_count for tensor in (*kept, *call.outputs))
        expect(self.bytes <= MOST_BYTES, f"tensors of more than {MOST_BYTES >> 20} MB")
        expect(self.macs <= MOST_MACS, f"more than {MOST_MACS / 1e9:g} billion multiplications")


def _check_operator(
    operator: Operator, tensors: list[Tensor], known: list[np.ndarray | None], total: Totals
) -> None:
    """Check one operator; ``tensors`` and ``known`` get the shapes and sizes that it computes."""
    inputs = tuple(None if index < 0 else tensors[index] for index in operator.inputs)
    outputs = tuple(tensors[index] for index in operator.outputs)
    kind = kind_of(operator)
    types = tuple(None if tensor is None else tensor.dtype for tensor in inputs)
    signature = signature_of(kind, types, tuple(tensor.dtype for tensor in outputs))
    given = [None if index < 0 else known[index] for index in operator.inputs]
    call = Call(operator, inputs, outputs, given, options=read_options(operator, kind))
    _check_quantization(call, kind)
    if signature.endswith("> p"):
        value = _computed(call, kind)
        known[operator.outputs[0]] = value
        shapes = [value.shape]
    else:
        shapes = kind.shapes(call)
    expect(len(shapes) == len(outputs), f"{len(outputs)} outputs")
    for index, shape in zip(operator.outputs, shapes, strict=True):
        tensors[index] = _shaped(tensors[index], shape)
    call.outputs = tuple(tensors[index] for index in operator.outputs)
    total.add(call)


def _shaped(tensor: Tensor, shape: Shape) -> Tensor:
    """Return an operator's output with the shape computed; where the signature is open it may differ from the
    file's.
    """
    _check_tensor(tensor)
    if tensor.shape == shape:
        return tensor
    expect(
        _fits_signature(tensor, shape), f"it gives the shape {list(shape)}, declared is {list(tensor.shape)}"
    )
    return replace(tensor, shape=shape)


def _fits_signature(tensor: Tensor, shape: Shape) -> bool:
    declared = tensor.shape_signature
    return len(declared) == len(shape) and all(
        open_size in (-1, size) for open_size, size in zip(declared, shape, strict=True)
    )


def _computed(call: Call, kind: Kind) -> np.ndarray:
    expect(kind.known is not None, "arithmetic on positions")
    assert kind.known is not None
    value = np.asarray(kind.known(call))
    expect(0 < value.size <= MOST_KNOWN and bool((abs(value) < 1 << 31).all()), "positions out of range")
    return value


def _known(tensor: Tensor) -> np.ndarray | None:
    """Return the values of a constant of positions, int64."""
    if tensor.constant is None or tensor.dtype != "int32" or not 0 < tensor.elements <= MOST_KNOWN:
        return None
    return None if tensor.is_sparse else tensor.values().astype(np.int64)


def _check_tensor(tensor: Tensor) -> None:
    expect(len(tensor.shape) <= 8, f"a tensor of {len(tensor.shape)} dimensions")
    expect(all(size >= 1 for size in tensor.shape), f"a tensor of the shape {list(tensor.shape)}")
    expect(
        _fits_signature(tensor, tensor.shape),
        f"a tensor of shape {list(tensor.shape)} with the signature {list(tensor.shape_signature)}",
    )
    expect(not tensor.is_sparse, "a sparse tensor")
    expect(not tensor.is_variable, "a variable")


def _check_quantization(call: Call, kind: Kind) -> None:
    for place, tensor in enumerate(call.inputs):
        if tensor is None:
            continue
        if tensor.constant is not None:
            _check_tensor(tensor)
        if kind.weights and place == kind.weights[0]:
            _check_weights(tensor, kind.weights[1])
        else:
            _check_scale(tensor)
    for tensor in call.outputs:
        _check_scale(tensor)
    if kind.weights:
        _check_gain(call, kind.weights[0])
    refused = refused_scales(call.operator.name, [one for one in call.inputs if one], call.outputs)
    expect(refused is None, str(refused))


def _check_scale(tensor: Tensor) -> None:
    if tensor.dtype not in QUANTIZED:
        return
    expect(
        len(tensor.scales) == len(tensor.zero_points) == 1, f"{tensor.dtype} without one scale and zero point"
    )
    expect(LEAST_SCALE <= tensor.scales[0] <= MOST_SCALE, f"a scale of {tensor.scales[0]:g}")
    limits = np.iinfo(tensor.dtype)
    zero_point = tensor.zero_points[0]
    fits = zero_point == 0 if tensor.dtype == "int16" else limits.min <= zero_point <= limits.max
    expect(fits, f"a zero point of {zero_point}")


def _check_weights(tensor: Tensor, axis: int) -> None:
    if tensor.dtype not in QUANTIZED:
        return
    expect(tensor.constant is not None, "quantized weights that are computed")
    count = len(tensor.scales)
    per_channel = tensor.quantized_dimension == axis and tensor.shape[axis : axis + 1] == (count,)
    expect(count == 1 or per_channel, f"{count} scales along axis {tensor.quantized_dimension}")
    expect(len(tensor.zero_points) == count, f"{count} scales and {len(tensor.zero_points)} zero points")
    expect(tensor.dtype == "uint8" or not any(tensor.zero_points), "weights with a zero point")
    expect(all(0 < scale <= MOST_SCALE for scale in tensor.scales), "a weight's scale that is not above 0")


def _check_gain(call: Call, place: int) -> None:
    """Check what a sum of products is multiplied by: kernels shift by its logarithm. place: the weights' input."""
    output = call.outputs[0]
    if output.dtype in QUANTIZED:
        others = [*call.inputs[:place], *call.inputs[place + 1 :]]
        image = next((one for one in others if one is not None and one.dtype == output.dtype), None)
        expect(image is not None, f"a sum to {output.dtype} of other numbers")
        assert image is not None
        gain = scale_of(image) * max(call.tensor(place).scales) / scale_of(output)
        expect(math.isfinite(gain) and gain <= MOST_GAIN, f"a gain of {gain:g}")
