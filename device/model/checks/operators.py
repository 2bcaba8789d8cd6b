"""The operators that are known to be safe: by name, what they take, and the rule for what comes out.

They are what converters write for image classifiers: every recipe of ``toolkit quantize``, the networks of
``keras.applications`` and the public expression models. Option numbers are fields of the tables in TensorFlow's
``schema.fbs``; an absent field has the default that stands here.

A signature lists the types of inputs and outputs: ``x`` a float32 or quantized tensor, ``y`` one of another
type than ``x`` perhaps, ``p`` an int32 tensor of positions or sizes; the same letter is the same type. ``?``: may
be left out; ``*``: that one and any more of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from device.model.checks import moving_rules as moving
from device.model.checks import shape_rules as shapes
from device.model.checks.operator_call import Call, Shape, UnfamiliarError, expect
from device.model.file.tflite_file import Operator

# Option -> (number in its table, struct format, default, lowest, highest).
Options = dict[str, tuple[int, str, int | float, float, float]]
TYPES = {
    "x": ("float32", "int8", "uint8", "int16"),
    "y": ("float32", "int8", "uint8", "int16"),
    "p": ("int32",),
    "c": ("float32", "int8", "uint8", "int16", "int32", "int64"),
    "d": ("float32", "int8", "uint8", "int16", "int32", "int64"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of operator.

    ``options_type``: of its table in the schema's union, 0 where the options do not matter; with ``options``, those
    read for every rule, the table must be there. ``weights``: which input may have a scale a channel, and the
    channels' axis. ``known``: computes the output where it says sizes that are known before anything runs.
    """

    signatures: tuple[str, ...]
    shapes: Callable[[Call], list[Shape]]
    options_type: int = 0
    options: Options = field(default_factory=dict)
    weights: tuple[int, int] | None = None
    known: Callable[[Call], np.ndarray] | None = None


def _flag(number: int) -> tuple[int, str, int, float, float]:
    return number, "B", 0, 0, 1


def _integer(number: int, low: float, high: float, default: int = 0) -> tuple[int, str, int, float, float]:
    return number, "i", default, low, high


def _number(number: int) -> tuple[int, str, float, float, float]:
    return number, "f", 0.0, -1e6, 1e6


def _byte(number: int, high: int) -> tuple[int, str, int, float, float]:
    return number, "b", 0, 0, high


def _activation(number: int) -> Options:
    return {"activation": _byte(number, 3)}  # NONE, RELU, RELU_N1_TO_1, RELU6


def _dilation(width: int, height: int) -> Options:
    return {"dilation_w": _integer(width, 1, 4096, 1), "dilation_h": _integer(height, 1, 4096, 1)}


WINDOW: Options = {"padding": _byte(0, 1), "stride_w": _integer(1, 1, 4096), "stride_h": _integer(2, 1, 4096)}
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
FILTERED = tuple(
    f"{types} > {types.split()[0]}"
    for types in (
        "float32 float32 float32?", "float32 int8 float32?", "int8 int8 int32?", "uint8 uint8 int32?",
        "int16 int8 int64?", "int16 int8 int32?",
    )
)  # fmt: skip
UNARY, BINARY, PLACED = ("x > x",), ("x x > x",), ("x p > x",)
FLOATS = ("float32 > float32",)

_pool = Kind(
    UNARY, shapes.pool, 5,
    {**WINDOW, "filter_w": _integer(3, 1, 4096), "filter_h": _integer(4, 1, 4096), **_activation(5)},
)  # fmt: skip
_unary, _float = Kind(UNARY, shapes.unchanged), Kind(FLOATS, shapes.unchanged)
_binary = Kind(BINARY, shapes.broadcast)
_reduction = Kind(PLACED, shapes.reduction, 27, {"keep_dims": _flag(0)})

OPERATORS: dict[str, Kind] = {
    "CONV_2D": Kind(
        FILTERED, shapes.convolution, 1, {**WINDOW, **_activation(3), **_dilation(4, 5)}, (1, 0)
    ),
    "DEPTHWISE_CONV_2D": Kind(
        FILTERED, shapes.depthwise_convolution, 2,
        {**WINDOW, "depth_multiplier": _integer(3, 0, 4096), **_activation(4), **_dilation(5, 6)}, (1, 3),
    ),
    "TRANSPOSE_CONV": Kind(
        tuple(f"p {one.split()[1]} {one.split()[0]} {' '.join(one.split()[2:])}" for one in FILTERED),
        shapes.transposed_convolution, 49, {**WINDOW, **_activation(3)}, (1, 0),
    ),
    "FULLY_CONNECTED": Kind(
        FILTERED, shapes.fully_connected, 8,
        {**_activation(0), "weights_format": _byte(1, 1), "keep_num_dims": _flag(2)}, (1, 0),
    ),
    "BATCH_MATMUL": Kind(BINARY, shapes.matrix_product, 101, {"adj_x": _flag(0), "adj_y": _flag(1)}),
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "ADD": Kind(BINARY, shapes.broadcast, 11, _activation(0)),
    "SUB": Kind(BINARY, shapes.broadcast, 28, _activation(0)),
    "MUL": Kind(BINARY, shapes.broadcast, 21, _activation(0)),
    "DIV": Kind(("float32 float32 > float32",), shapes.broadcast, 29, _activation(0)),
    "MAXIMUM": _binary,
    "MINIMUM": _binary,
    "SQUARED_DIFFERENCE": _binary,
    "GREATER": Kind(("x x > bool",), shapes.broadcast),
    "SELECT": Kind(("bool x x > x",), shapes.select),
    "SELECT_V2": Kind(("bool x x > x",), shapes.select),
    "PRELU": Kind(BINARY, shapes.prelu),
    "MEAN": _reduction,
    "SUM": _reduction,
    "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction,
    "REDUCE_PROD": Kind(
        ("p p > p",), shapes.reduction, 27, {"keep_dims": _flag(0)}, known=moving.known_product
    ),
    "RESIZE_BILINEAR": Kind(PLACED, shapes.resize, 15, {"align_corners": _flag(2), "half_pixel": _flag(3)}),
    "RESIZE_NEAREST_NEIGHBOR": Kind(
        PLACED, shapes.resize, 74, {"align_corners": _flag(0), "half_pixel": _flag(1)}
    ),
    "SOFTMAX": Kind(UNARY, shapes.softmax, 9, {"beta": _number(0)}),
    "L2_NORMALIZATION": Kind(UNARY, shapes.normalization, 12, _activation(0)),
    "LEAKY_RELU": Kind(UNARY, shapes.leaky_relu, 75, {"alpha": _number(0)}),
    "GELU": Kind(UNARY, shapes.unchanged, 116, {"approximate": _flag(0)}),
    **dict.fromkeys(
        ("LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH", "ELU", "EXP",
         "ABS", "RSQRT"),
        _unary,
    ),
    **dict.fromkeys(("NEG", "SQRT", "SQUARE", "LOG", "FLOOR"), _float),
    "QUANTIZE": Kind(("x > int8", "x > uint8", "x > int16"), shapes.unchanged),
    "DEQUANTIZE": Kind(
        ("int8 > float32", "uint8 > float32", "int16 > float32", "float16 > float32"), shapes.unchanged
    ),
    "CAST": Kind(("c > d",), shapes.unchanged),
    "RESHAPE": Kind(("x p? > x",), moving.reshape, 17),
    "SQUEEZE": Kind(UNARY, moving.squeeze, 30),
    "EXPAND_DIMS": Kind(PLACED, moving.expand),
    "TRANSPOSE": Kind(PLACED, moving.transpose),
    "PAD": Kind(PLACED, moving.pad),
    "PADV2": Kind(("x p x > x",), moving.pad),
    "MIRROR_PAD": Kind(PLACED, moving.mirror_pad, 77, {"mode": _byte(0, 1)}),
    "TILE": Kind(PLACED, moving.tile),
    "SPLIT": Kind(("p x > x*",), moving.split, 35, {"num_splits": _integer(0, 1, 1024)}),
    "SLICE": Kind(("x p p > x",), moving.slice_),
    "STRIDED_SLICE": Kind(
        ("x p p p > x", "p p p p > p"), moving.strided_slice, 32,
        {**{name: _integer(number, 0, 255) for number, name in enumerate(MASKS)}, "offset": _flag(5)},
        known=moving.known_strided_slice,
    ),
    "CONCATENATION": Kind(
        ("x* > x", "p* > p"), moving.concatenation, 10, {"axis": _integer(0, -8, 8), **_activation(1)},
        known=moving.known_concatenation,
    ),
    "PACK": Kind(
        ("x* > x", "p* > p"), moving.pack, 59,
        {"values_count": _integer(0, 1, 1024), "axis": _integer(1, -8, 8)}, known=moving.known_pack,
    ),
    "SHAPE": Kind(("c > p",), shapes.unchanged, known=moving.shape_of),
    "GATHER": Kind(
        ("p p > p",), shapes.unchanged, 23,
        {"axis": _integer(0, -8, 8), "batch_dims": _integer(1, -8, 8)}, known=moving.known_gather,
    ),
}  # fmt: skip


def kind_of(operator: Operator) -> Kind:
    """Return the kind of ``operator``; UnfamiliarError where it is none of them."""
    if operator.name not in OPERATORS:
        raise UnfamiliarError("an operator that is not on the list")
    return OPERATORS[operator.name]


def option_of(operator: Operator, name: str) -> int | float:
    """Return the option ``name`` of ``operator``, one of OPERATORS, as it stands in the file, or its default."""
    number, code, default, _, _ = OPERATORS[operator.name].options[name]
    return operator.options.scalar(number, code, default) if operator.options else default


def read_options(operator: Operator, kind: Kind) -> dict[str, int | float]:
    """Return the options of ``operator``; UnfamiliarError for one out of its range, or a table of another kind."""
    if kind.options or (kind.options_type and operator.options is not None):
        own = operator.options is not None and operator.options_type == kind.options_type
        expect(own, "no options of its own")
    values: dict[str, int | float] = {}
    for name, (_, _, _, low, high) in kind.options.items():
        value = option_of(operator, name)
        expect(math.isfinite(value) and low <= value <= high, f"{name} {value}")
        values[name] = value
    return values


def signature_of(kind: Kind, inputs: tuple[str | None, ...], outputs: tuple[str, ...]) -> str:
    """Return the signature that the types of an operator fit, None being an input left out; else UnfamiliarError."""
    for signature in kind.signatures:
        before, after = signature.split(" > ")
        bound: dict[str, str] = {}
        if _fit(before.split(), inputs, bound) and _fit(after.split(), outputs, bound):
            return signature
    found = f"{', '.join(name or 'nothing' for name in inputs)} to {', '.join(outputs)}"
    raise UnfamiliarError(f"tensors of {found or 'no type'}")


def _fit(wanted: list[str], types: tuple[str | None, ...], bound: dict[str, str]) -> bool:
    if wanted[-1].endswith("*"):
        wanted = [*wanted[:-1], *[wanted[-1][:-1]] * max(1, len(types) - len(wanted) + 1)]
    if len(types) > len(wanted):
        return False
    for place, name in enumerate(wanted):
        found = types[place] if place < len(types) else None
        if found is None:
            if not name.endswith("?"):
                return False
            continue
        name = name.removesuffix("?")
        if found not in TYPES.get(name, (name,)) or bound.setdefault(name, found) != found:
            return False
    return True
