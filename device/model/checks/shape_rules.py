"""What shape each known operator gives its outputs, as LiteRT's kernels compute it, and what that costs.

A rule takes a ``Call`` and returns the shapes of the outputs; it raises UnfamiliarError for anything that a
kernel is not known to take. The options of each operator stand in ``operators.OPERATORS``.
"""

import math

import numpy as np

from device.model.checks.operator_call import Call, Shape, expect

SAME_PADDING = 0  # the other is valid, 1
REFLECT, SYMMETRIC = 0, 1
# The most dimensions that LiteRT's kernels take for arithmetic and for moving.
ARITHMETIC_RANK, MOVING_RANK = 4, 5
POINTER_BYTES, FLOAT_BYTES = 8, 4


def unchanged(call: Call) -> list[Shape]:
    return [call.shape(0)]


def softmax(call: Call) -> list[Shape]:
    expect(1e-3 <= call.number("beta") <= 1e3, f"beta {call.number('beta')}")
    call.macs = 20 * call.tensor(0).elements
    return [call.shape(0, 1, 4)]


def normalization(call: Call) -> list[Shape]:
    expect(call.option("activation") == 0, "a fused activation")
    return [call.shape(0, 1, 4)]


def leaky_relu(call: Call) -> list[Shape]:
    expect(abs(call.number("alpha")) <= 1e3, f"alpha {call.number('alpha')}")
    return [call.shape(0)]


def broadcast(call: Call) -> list[Shape]:
    shapes = [call.shape(place, 0, ARITHMETIC_RANK) for place in range(len(call.inputs))]
    try:
        return [tuple(np.broadcast_shapes(*shapes))]
    except ValueError:
        expect(False, f"shapes {' and '.join(str(list(shape)) for shape in shapes)} do not go together")
        raise


def prelu(call: Call) -> list[Shape]:
    expect(broadcast(call) == [call.shape(0)], f"slopes of shape {list(call.shape(1))}")
    return [call.shape(0)]


def select(call: Call) -> list[Shape]:
    expect(call.shape(0) == call.shape(1) == call.shape(2), "operands of different shapes")
    return [call.shape(1, 0, ARITHMETIC_RANK)]


def window(call: Call, size: int, filter_size: int, stride: int, dilation: int = 1) -> int:
    """Return the positions of a window of ``filter_size`` along ``size``."""
    expect(filter_size >= 1 and stride >= 1 and dilation >= 1, f"stride {stride}, dilation {dilation}")
    if call.option("padding") == SAME_PADDING:
        return -(-size // stride)
    positions = (size - (filter_size - 1) * dilation - 1) // stride + 1
    expect(positions >= 1, f"a filter of {filter_size} on {size} without padding")
    return positions


def _bias(call: Call, place: int, channels: int) -> None:
    if call.given(place):
        shape = call.shape(place)
        expect(shape == (channels,), f"a bias of shape {list(shape)} for {channels} channels")


def convolution(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0, 4, 4)
    filters, filter_height, filter_width, filter_channels = call.shape(1, 4, 4)
    groups = channels // filter_channels
    fits = groups * filter_channels == channels and filters % groups == 0
    expect(fits, f"{filters} filters of {filter_channels} channels for {channels} channels")
    hybrid = call.tensor(0).dtype == "float32" != call.tensor(1).dtype
    expect(groups == 1 or not hybrid, f"{groups} groups of int8 filters on float32")
    _bias(call, 2, filters)
    rows = window(call, height, filter_height, call.option("stride_h"), call.option("dilation_h"))
    columns = window(call, width, filter_width, call.option("stride_w"), call.option("dilation_w"))
    taps = batch * rows * columns * filter_height * filter_width
    call.macs = taps * filter_channels * filters
    call.scratch_bytes = taps * POINTER_BYTES
    if hybrid or call.tensor(1).constant is None:  # no XNNPACK: its patches are copied side by side
        call.scratch_bytes += taps * channels * FLOAT_BYTES
    return [(batch, rows, columns, filters)]


def depthwise_convolution(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0, 4, 4)
    one, filter_height, filter_width, filters = call.shape(1, 4, 4)
    multiplier = call.option("depth_multiplier")
    fits = one == 1 and filters % channels == 0 and multiplier in (0, filters // channels)
    expect(fits, f"{filters} filters, multiplier {multiplier}, for {channels} channels")
    _bias(call, 2, filters)
    rows = window(call, height, filter_height, call.option("stride_h"), call.option("dilation_h"))
    columns = window(call, width, filter_width, call.option("stride_w"), call.option("dilation_w"))
    taps = batch * rows * columns * filter_height * filter_width
    call.macs, call.scratch_bytes = taps * filters, taps * POINTER_BYTES
    return [(batch, rows, columns, filters)]


def transposed_convolution(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(2, 4, 4)
    filters, filter_height, filter_width, filter_channels = call.shape(1, 4, 4)
    expect(filter_channels == channels, f"filters of {filter_channels} channels for {channels} channels")
    _bias(call, 3, filters)
    out = tuple(map(int, call.integers(0, (4,))))
    expect(all(size >= 1 for size in out), f"an output of shape {list(out)}")
    rows = window(call, out[1], filter_height, call.option("stride_h"))
    columns = window(call, out[2], filter_width, call.option("stride_w"))
    fits = (out[0], rows, columns, out[3]) == (batch, height, width, filters)
    expect(fits, f"an output of shape {list(out)} of an input of {[batch, height, width, channels]}")
    taps = batch * height * width * filter_height * filter_width * filters
    call.macs, call.scratch_bytes = taps * channels, (taps + math.prod(out)) * FLOAT_BYTES
    return [out]


def fully_connected(call: Call) -> list[Shape]:
    shape, (units, width) = call.shape(0, 1, 5), call.shape(1, 2, 2)
    elements = math.prod(shape)
    expect(elements % width == 0, f"weights for {width} inputs on {elements}")
    expect(call.option("weights_format") == 0, "weights in another order")
    _bias(call, 2, units)
    call.macs = elements * units
    if call.option("keep_num_dims"):
        expect(shape[-1] == width, f"weights for {width} inputs on {shape[-1]}")
        return [(*shape[:-1], units)]
    return [(elements // width, units)]


def matrix_product(call: Call) -> list[Shape]:
    left, right = call.shape(0, 2, ARITHMETIC_RANK), call.shape(1, 2, ARITHMETIC_RANK)
    expect(len(left) == len(right), f"matrices of {len(left)} and {len(right)} dimensions")
    expect(left[:-2] == right[:-2], "batches of different sizes")
    rows, depth = left[-2:] if not call.option("adj_x") else left[:-3:-1]
    depth_too, columns = right[-2:] if not call.option("adj_y") else right[:-3:-1]
    expect(depth == depth_too, f"a product over {depth} and {depth_too}")
    call.macs = math.prod(left[:-2]) * rows * depth * columns
    call.scratch_bytes = (math.prod(left) + math.prod(right)) * FLOAT_BYTES
    return [(*left[:-2], rows, columns)]


def pool(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0, 4, 4)
    filter_height, filter_width = call.option("filter_h"), call.option("filter_w")
    expect(1 <= filter_height <= height and 1 <= filter_width <= width, "a filter larger than its input")
    rows = window(call, height, filter_height, call.option("stride_h"))
    columns = window(call, width, filter_width, call.option("stride_w"))
    taps = batch * rows * columns * filter_height * filter_width
    call.macs, call.scratch_bytes = taps * channels, taps * POINTER_BYTES
    return [(batch, rows, columns, channels)]


def reduction(call: Call) -> list[Shape]:
    shape = call.shape(0, 1, ARITHMETIC_RANK)
    axes = {call.axis(int(value), len(shape)) for value in call.integers(1).reshape(-1)}
    if call.option("keep_dims"):
        return [tuple(1 if axis in axes else size for axis, size in enumerate(shape))]
    return [tuple(size for axis, size in enumerate(shape) if axis not in axes)]


def resize(call: Call) -> list[Shape]:
    batch, _, _, channels = call.shape(0, 4, 4)
    height, width = map(int, call.integers(1, (2,)))
    expect(height >= 1 and width >= 1, f"a size of {height} x {width}")
    expect(not (call.option("align_corners") and call.option("half_pixel")), "two alignments at once")
    call.macs = 10 * batch * height * width * channels
    return [(batch, height, width, channels)]
