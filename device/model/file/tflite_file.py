"""What a .tflite file holds, read and checked in Python before any interpreter sees it.

A malformed flatbuffer can crash the process inside the interpreter. ``read_tflite`` follows every offset with
its bounds checked, then checks what ties the parts together: indices, sizes of constants, the order of
operators. Field numbers are those of TensorFlow's ``tensorflow/compiler/mlir/lite/schema/schema.fbs``,
version 3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from device.errors import EdgeError
from device.files import regular_size
from device.model.file.flatbuffer import Buffer, MalformedFile, Table
from device.model.file.operator_names import OPERATOR_NAMES
from device.model.file.other_formats import why_other

Item = TypeVar("Item")
IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
# TensorType -> (name, bits an element takes); None: not of fixed size.
TENSOR_TYPES: dict[int, tuple[str, int | None]] = {
    0: ("float32", 32), 1: ("float16", 16), 2: ("int32", 32), 3: ("uint8", 8), 4: ("int64", 64),
    5: ("string", None), 6: ("bool", 8), 7: ("int16", 16), 8: ("complex64", 64), 9: ("int8", 8),
    10: ("float64", 64), 11: ("complex128", 128), 12: ("uint64", 64), 13: ("resource", None),
    14: ("variant", None), 15: ("uint32", 32), 16: ("uint16", 16), 17: ("int4", 4), 18: ("bfloat16", 16),
    19: ("int2", 2), 20: ("uint4", 4), 21: ("float8_e4m3fn", 8), 22: ("float8_e5m2", 8),
}  # fmt: skip
BITS = dict(TENSOR_TYPES.values())
MAX_TENSOR_BYTES = 1 << 30  # a classifier's largest tensor is far below; a crafted shape is not
MOST_FILE_BYTES = 256 << 20
MOST_DIMENSIONS = 8
BUILTIN_CUSTOM = 32
PLACEHOLDER_FOR_GREATER_OP_CODES = 127


@dataclass(frozen=True)
class Tensor:
    """One tensor. ``scales`` is empty where it is not quantized, longer than 1 where per channel."""

    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    quantized_dimension: int
    constant: bytes | memoryview | None
    is_variable: bool = False
    is_sparse: bool = False

    @property
    def byte_count(self) -> int:
        """Return the bytes of its numbers; of those packed below a byte, one each."""
        return self.elements * max(1, (BITS.get(self.dtype) or 8) // 8)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def is_static(self) -> bool:
        return all(size >= 0 for size in self.shape_signature)

    def values(self) -> np.ndarray:
        """Return the constant's stored numbers, in its shape; ValueError where it is none or of a packed
        type.
        """
        if self.constant is None:
            raise ValueError(f"{self.name} is no constant")
        return np.frombuffer(self.constant, dtype=np.dtype(self.dtype)).reshape(self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator: the schema's name of it, and tensors by index (-1: an optional input left out)."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    options_type: int = 0  # the kind of ``options`` in the schema's union


@dataclass(frozen=True)
class TfliteFile:
    """The first subgraph of a .tflite file, and the file's metadata. ``signatures``: their names, that of the first
    subgraph first."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    metadata: dict[str, bytes]
    subgraph_count: int
    signatures: tuple[str, ...] = ()

    def producers(self) -> dict[int, Operator]:
        """Return the operator that writes each tensor."""
        return {index: operator for operator in self.operators for index in operator.outputs}


def read_tflite(source: str | Path | bytes | bytearray, name: str | None = None) -> TfliteFile:
    """Read and check a .tflite file, given by path or as bytes; ``name`` is what errors call it.

    Constants are views of the bytes: those of a ``bytearray`` can be written.

    Raises EdgeError in one line if it is missing, empty, cut short, no TFLite file, or inconsistent.
    """
    if not isinstance(source, bytes | bytearray):
        return read_tflite(read_bytes(source), name or str(source))
    data, name = source, name or "the model"
    if not data:
        raise EdgeError(f"{name} is empty (0 bytes); expected a .tflite model; copy or quantize it again")
    if data[4:8] != IDENTIFIER:
        if why := why_other(data, name):
            raise EdgeError(f"{name} is no TFLite model but {why}")
        raise EdgeError(
            f"{name} is no TFLite model: expected the identifier TFL3 at byte 4, found {bytes(data[4:8])!r}; "
            "pass the .tflite that 'toolkit quantize' wrote"
        )
    try:
        return _read_model(Buffer(data))
    except MalformedFile as error:
        raise EdgeError(f"{name} is a damaged TFLite model: {error}; copy or quantize it again") from error


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a model file; EdgeError if it cannot be read, is no file, or of more than 256 MB."""
    try:
        if (size := regular_size(path)) > MOST_FILE_BYTES:
            raise EdgeError(
                f"{path} has {size >> 20} MB, expected at most {MOST_FILE_BYTES >> 20}; "
                "quantize it, or name a smaller classifier"
            )
        return Path(path).read_bytes()
    except OSError as error:
        raise EdgeError(f"cannot read the model {path}: {error.strerror}; name a .tflite file") from error


def _read_model(buffer: Buffer) -> TfliteFile:
    model = buffer.root()
    if (version := model.scalar(0, "I")) != SCHEMA_VERSION:
        raise MalformedFile(f"schema version {version}, expected {SCHEMA_VERSION}")
    buffers = [_constant(table, buffer) for table in model.tables(4)]
    names = [_operator_name(table) for table in model.tables(1)]
    subgraphs = model.tables(2)
    if not subgraphs:
        raise MalformedFile("it holds no graph")
    graphs = [_read_graph(table, buffers, names) for table in subgraphs]
    metadata = {}
    for table in model.tables(6):
        content = _at(buffers, table.scalar(1, "I"), "buffer") or b""
        buffer.spend(len(content))
        metadata[table.string(0)] = bytes(content)
    signatures = []
    for signature in model.tables(7):
        for field in (0, 1):
            for entry in signature.tables(field):
                entry.string(0)
        _at(graphs, subgraph := signature.scalar(4, "I"), "subgraph")
        signatures.append((subgraph, signature.string(2)))
    model.string(3)  # a description: checked only
    tensors, operators, inputs, outputs = graphs[0]
    called = tuple(name for _, name in sorted(signatures))
    return TfliteFile(tensors, operators, inputs, outputs, metadata, len(graphs), called)


def _constant(table: Table, buffer: Buffer) -> memoryview | None:
    """Return a buffer's bytes, from within the flatbuffer or, for files over 2 GB, from behind it."""
    offset, size = table.scalar(1, "Q"), table.scalar(2, "Q")
    if offset > 1:
        buffer.need(offset, size)
        return buffer.data[offset : offset + size]
    return table.bytes(0) or None


def _operator_name(table: Table) -> str:
    code: int = max(table.scalar(0, "b"), table.scalar(3, "i"))
    table.scalar(2, "i")  # a version: checked only
    if code == BUILTIN_CUSTOM:
        return f"CUSTOM {table.string(1)}"
    if not 0 <= code < len(OPERATOR_NAMES) or code == PLACEHOLDER_FOR_GREATER_OP_CODES:
        raise MalformedFile(f"an operator of unknown code {code}")
    return OPERATOR_NAMES[code]


def _at(items: Sequence[Item], index: int, kind: str) -> Item:
    if not 0 <= index < len(items):
        raise MalformedFile(f"{kind} {index} is named, but there are {len(items)}")
    return items[index]


def _read_graph(
    graph: Table, buffers: list[memoryview | None], names: list[str]
) -> tuple[tuple[Tensor, ...], tuple[Operator, ...], tuple[int, ...], tuple[int, ...]]:
    tensors = [_read_tensor(table, buffers) for table in graph.tables(0)]
    inputs, outputs = graph.vector(1, "i"), graph.vector(2, "i")
    graph.string(4)
    for index in (*inputs, *outputs):
        _at(tensors, index, "tensor")
    written = {
        index for index, tensor in enumerate(tensors) if tensor.constant is not None or tensor.is_variable
    }
    written.update(inputs)
    operators = []
    for table in graph.tables(3):
        operator = _read_operator(table, names)
        for index in operator.inputs:
            if index != -1 and index not in written:
                _at(tensors, index, "tensor")
                raise MalformedFile(f"{operator.name} reads tensor {index} before anything writes it")
        for index in operator.outputs:
            _at(tensors, index, "tensor")
            if index in written:
                raise MalformedFile(f"{operator.name} writes tensor {index}, which is there already")
            written.add(index)
        operators.append(operator)
    for index in outputs:
        if index not in written:
            raise MalformedFile(f"nothing writes the output tensor {index}")
    return tuple(tensors), tuple(operators), inputs, outputs


def _read_operator(table: Table, names: list[str]) -> Operator:
    name = _at(names, table.scalar(0, "I"), "operator code")
    options_type = table.scalar(3, "B")
    table.bytes(5)
    for index in table.vector(8, "i"):
        if index < -1:
            raise MalformedFile(f"{name} names tensor {index}")
    options = table.table(4) if options_type else None
    return Operator(name, table.vector(1, "i"), table.vector(2, "i"), options, options_type)


def _read_tensor(table: Table, buffers: list[memoryview | None]) -> Tensor:
    shape = table.vector(0, "i")
    name = table.string(3)
    if len(shape) > MOST_DIMENSIONS:
        raise MalformedFile(
            f"tensor '{name}' has {len(shape)} dimensions, expected at most {MOST_DIMENSIONS}"
        )
    code = table.scalar(1, "b")
    if code not in TENSOR_TYPES:
        raise MalformedFile(f"tensor '{name}' is of unknown type {code}")
    dtype, bits = TENSOR_TYPES[code]
    if any(size < 0 for size in shape) or math.prod(shape) * (bits or 8) > 8 * MAX_TENSOR_BYTES:
        raise MalformedFile(f"tensor '{name}' has the impossible shape {list(shape)}")
    constant = _at(buffers, table.scalar(2, "I"), "buffer")
    sparse = table.table(6) is not None
    if constant is not None and bits is not None and not sparse:
        expected = (math.prod(shape) * bits + 7) // 8
        if len(constant) != expected:
            raise MalformedFile(f"constant '{name}' holds {len(constant)} bytes, its shape needs {expected}")
    scales, zero_points, dimension = _read_quantization(table.table(4), name, shape)
    if dtype == "float32":  # what converters leave there, and no kernel reads
        scales, zero_points = (), ()
    signature = table.vector(7, "i") or shape
    variable = bool(table.scalar(5, "B"))
    return Tensor(name, shape, signature, dtype, scales, zero_points, dimension, constant, variable, sparse)


def _read_quantization(
    table: Table | None, name: str, shape: tuple[int, ...]
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if table is None:
        return (), (), 0
    scales, zero_points = table.vector(2, "f"), table.vector(3, "q")
    table.vector(0, "f"), table.vector(1, "f")
    dimension = table.scalar(6, "i")
    if len(scales) != len(zero_points) and len(zero_points) > 1:
        raise MalformedFile(f"tensor '{name}' has {len(scales)} scales and {len(zero_points)} zero points")
    if any(not math.isfinite(scale) or scale < 0 for scale in scales):
        raise MalformedFile(f"tensor '{name}' has a scale that is negative or not a number")
    if len(scales) > 1 and (not 0 <= dimension < len(shape) or shape[dimension] != len(scales)):
        raise MalformedFile(
            f"tensor '{name}' of shape {list(shape)} has {len(scales)} scales along axis {dimension}"
        )
    return scales, zero_points, dimension
