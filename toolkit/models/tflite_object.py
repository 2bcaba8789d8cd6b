"""A .tflite as an object of its schema: read, changed, written again."""

import functools
from typing import Any

import numpy as np


def unpacked(data: bytes) -> Any:
    """Return ``data``, a whole flatbuffer, as ``schema.ModelT`` of LiteRT; its constants stay bytes in ``buffers``."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(data, 0)


def packed(model: Any) -> bytes:
    """Return the bytes of a ``schema.ModelT``."""
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def operator_name(model: Any, operator: Any) -> str:
    """Return what ``schema.BuiltinOperator`` calls an operator of ``model``: CONV_2D."""
    code = model.operatorCodes[operator.opcodeIndex]
    return _names()[max(code.builtinCode, code.deprecatedBuiltinCode)]


@functools.cache
def _names() -> dict[int, str]:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    return {code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)}


def constant(model: Any, tensor: int, dtype: type[np.generic]) -> np.ndarray:
    """Return the numbers of a constant of the first graph, flat; a copy."""
    buffer = model.buffers[model.subgraphs[0].tensors[tensor].buffer]
    return np.frombuffer(np.asarray(buffer.data, np.uint8).tobytes(), dtype)


def set_constant(model: Any, tensor: int, values: np.ndarray) -> None:
    """Give a constant of the first graph other numbers, of its type and size.

    What shares its bytes, as the converter lets tensors of equal numbers do, keeps them.
    """
    from ai_edge_litert import schema_py_generated as schema

    tensors = [other for graph in model.subgraphs for other in graph.tensors]
    target = model.subgraphs[0].tensors[tensor]
    if sum(other.buffer == target.buffer for other in tensors) > 1:
        target.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
    model.buffers[target.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
