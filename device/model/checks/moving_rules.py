"""What shape the operators give that move numbers without arithmetic; as in ``shape_rules``."""

import math

import numpy as np

from device.model.checks.operator_call import Call, Shape, expect
from device.model.checks.shape_rules import MOVING_RANK, REFLECT, SYMMETRIC


def reshape(call: Call) -> list[Shape]:
    if call.given(1):
        expect(len(call.shape(1)) == 1, "a shape that is no vector")
        wanted = [int(size) for size in call.integers(1)]
    else:
        table = call.operator.options
        wanted = list(table.vector(0, "i")) if table else []
        expect(wanted != [], "no shape")
    elements, rest = call.tensor(0).elements, math.prod(size for size in wanted if size != -1)
    expect(len(wanted) <= 8 and all(size >= 1 or size == -1 for size in wanted), f"the shape {wanted}")
    if wanted.count(-1) == 1 and elements % rest == 0:
        wanted[wanted.index(-1)] = elements // rest
    expect(-1 not in wanted and math.prod(wanted) == elements, f"{elements} numbers to the shape {wanted}")
    return [tuple(wanted)]


def squeeze(call: Call) -> list[Shape]:
    shape = call.shape(0)
    table = call.operator.options
    axes = {call.axis(value, len(shape)) for value in (table.vector(0, "i") if table else ())}
    axes = axes or {axis for axis, size in enumerate(shape) if size == 1}
    expect(all(shape[axis] == 1 for axis in axes), f"axes {sorted(axes)} of the shape {list(shape)}")
    return [tuple(size for axis, size in enumerate(shape) if axis not in axes)]


def expand(call: Call) -> list[Shape]:
    shape, axes = call.shape(0, 0, 7), call.integers(1).reshape(-1)
    expect(len(axes) == 1, f"{len(axes)} axes")
    axis = call.axis(int(axes[0]), len(shape) + 1)
    return [(*shape[:axis], 1, *shape[axis:])]


def transpose(call: Call) -> list[Shape]:
    shape = call.shape(0, 1, MOVING_RANK)
    order = [call.axis(int(value), len(shape)) for value in call.integers(1, (len(shape),))]
    expect(sorted(order) == list(range(len(shape))), f"the order {order}")
    return [tuple(shape[axis] for axis in order)]


def pad(call: Call) -> list[Shape]:
    shape = call.shape(0, 1, MOVING_RANK)
    paddings = call.integers(1, (len(shape), 2))
    expect(bool((paddings >= 0).all()), "a negative padding")
    if call.given(2):
        expect(call.tensor(2).elements == 1, "several values to pad with")
    return [tuple(int(size) + int(sum(map(int, pair))) for size, pair in zip(shape, paddings, strict=True))]


def mirror_pad(call: Call) -> list[Shape]:
    mode = call.option("mode")
    expect(mode in (REFLECT, SYMMETRIC), f"mode {mode}")
    shape = call.shape(0, 1, MOVING_RANK)
    for size, pair in zip(shape, call.integers(1, (len(shape), 2)), strict=True):
        expect(max(map(int, pair)) <= size - (mode == REFLECT), f"a padding of {list(pair)} on {size}")
    return pad(call)


def tile(call: Call) -> list[Shape]:
    shape = call.shape(0, 1, MOVING_RANK)
    times = [int(value) for value in call.integers(1, (len(shape),))]
    expect(all(one >= 1 for one in times), f"{times} times")
    return [tuple(size * one for size, one in zip(shape, times, strict=True))]


def concatenation(call: Call) -> list[Shape]:
    expect(call.option("activation") == 0, "a fused activation")
    first = call.shape(0, 1, MOVING_RANK)
    axis = call.axis(call.option("axis"), len(first))
    total = 0
    for place in range(len(call.inputs)):
        shape = call.shape(place)
        fits = len(shape) == len(first) and (*shape[:axis], *shape[axis + 1 :]) == (
            *first[:axis],
            *first[axis + 1 :],
        )
        expect(fits, f"shapes {list(first)} and {list(shape)} along axis {axis}")
        total += shape[axis]
    return [(*first[:axis], total, *first[axis + 1 :])]


def pack(call: Call) -> list[Shape]:
    first = call.shape(0, 0, MOVING_RANK - 1)
    expect(all(call.shape(place) == first for place in range(len(call.inputs))), "different shapes")
    expect(call.option("values_count") == len(call.inputs), f"a count of {call.option('values_count')}")
    axis = call.axis(call.option("axis"), len(first) + 1)
    return [(*first[:axis], len(call.inputs), *first[axis:])]


def split(call: Call) -> list[Shape]:
    shape, axes = call.shape(1, 1, MOVING_RANK), call.integers(0).reshape(-1)
    parts = call.option("num_splits")
    expect(len(axes) == 1 and parts == len(call.outputs), f"{parts} parts into {len(call.outputs)} outputs")
    axis = call.axis(int(axes[0]), len(shape))
    expect(shape[axis] % parts == 0, f"{shape[axis]} in {parts} parts")
    return [(*shape[:axis], shape[axis] // parts, *shape[axis + 1 :])] * parts


def slice_(call: Call) -> list[Shape]:
    shape = call.shape(0, 1, MOVING_RANK)
    out = []
    for size, begin, count in zip(
        shape, call.integers(1, (len(shape),)), call.integers(2, (len(shape),)), strict=True
    ):
        taken = size - int(begin) if count == -1 else int(count)
        fits = 0 <= begin < size and 1 <= taken <= size - begin
        expect(fits, f"{count} from {begin} on of {size}")
        out.append(taken)
    return [tuple(out)]


def strided_slices(call: Call, shape: Shape) -> tuple[slice | int, ...]:
    """Return what STRIDED_SLICE takes of each dimension, as an index of numpy."""
    for name in ("ellipsis_mask", "new_axis_mask", "offset"):
        expect(call.option(name) == 0, f"{name} {call.option(name)}")
    begin, end, strides = (
        [int(value) for value in call.integers(place, (len(shape),))] for place in (1, 2, 3)
    )
    taken: list[slice | int] = []
    for axis, size in enumerate(shape):
        expect(strides[axis] != 0, "a stride of 0")
        if call.option("shrink_axis_mask") >> axis & 1:
            taken.append(call.axis(begin[axis], size))
            continue
        first = None if call.option("begin_mask") >> axis & 1 else begin[axis]
        last = None if call.option("end_mask") >> axis & 1 else end[axis]
        one = slice(first, last, strides[axis])
        expect(len(range(*one.indices(size))) >= 1, f"nothing of {size} along axis {axis}")
        taken.append(one)
    return tuple(taken)


def strided_slice(call: Call) -> list[Shape]:
    shape = call.shape(0, 1, MOVING_RANK)
    indices = zip(strided_slices(call, shape), shape, strict=True)
    return [tuple(len(range(*one.indices(size))) for one, size in indices if isinstance(one, slice))]


# What is computed of shapes before anything runs: converters write it where the size of a batch is open.


def shape_of(call: Call) -> np.ndarray:
    return np.array(call.shape(0, 1), np.int64)


def known_strided_slice(call: Call) -> np.ndarray:
    values = call.integers(0)
    return np.asarray(values[strided_slices(call, values.shape)])


def known_pack(call: Call) -> np.ndarray:
    pack(call)
    return np.stack([call.integers(place) for place in range(len(call.inputs))], call.option("axis"))


def known_concatenation(call: Call) -> np.ndarray:
    concatenation(call)
    return np.concatenate([call.integers(place) for place in range(len(call.inputs))], call.option("axis"))


def known_gather(call: Call) -> np.ndarray:
    values, places = call.integers(0), call.integers(1)
    expect(
        values.ndim == 1 and call.option("axis") == call.option("batch_dims") == 0, "gathering along an axis"
    )
    expect(bool(((places >= 0) & (places < len(values))).all()), f"places {places.tolist()} of {len(values)}")
    return np.asarray(values[places])


def known_product(call: Call) -> np.ndarray:
    values, axes = call.integers(0), call.integers(1).reshape(-1).tolist()
    expect(values.ndim == 1 and axes in ([0], [-1]), f"a product over axes {axes}")
    product = np.array(
        math.prod(values.tolist()), np.float64
    )  # too large for int64 is out of range all the same
    return product[None] if call.option("keep_dims") else product
