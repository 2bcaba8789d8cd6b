"""Operators that the converter leaves in float32, in a form that has an int8 kernel.

Layer and group normalisation need a negation and a square, and the kernels of both know floats only: they are products.
ELU has an int8 kernel, a table of 256 numbers, which the converter does not know of.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from toolkit.models.tflite_object import operator_name, packed, unpacked


def as_products(float_file: bytes) -> bytes:
    """Return a float .tflite with ``-x`` as ``x * -1`` and the square of x as ``x * x``; the numbers are the same."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(float_file)
    graph = model.subgraphs[0]
    named = [(operator, operator_name(model, operator)) for operator in graph.operators]
    changed = [(operator, name) for operator, name in named if name in ("NEG", "SQUARE")]
    if not changed:
        return float_file
    negatives: dict[int, int] = {}  # -1 by its type
    for operator, name in changed:
        factor = source = int(operator.inputs[0])
        if name == "NEG":
            kind = graph.tensors[source].type
            if kind not in negatives:
                negatives[kind] = _minus_one(model, graph, kind)
            factor = negatives[kind]
        operator.inputs = np.array([source, factor], np.int32)
        operator.builtinOptionsType = schema.BuiltinOptions.MulOptions
        operator.builtinOptions = schema.MulOptionsT()
        # Their entries become MUL's: else the file would list operators that it does not use.
        code = model.operatorCodes[operator.opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MUL
        code.version = 1
    return packed(model)


def _minus_one(model: Any, graph: Any, type_: int) -> int:
    """Return the index of a new constant of ``graph``: -1, of a type that can be negated."""
    from ai_edge_litert import schema_py_generated as schema

    types = schema.TensorType
    dtype = {types.FLOAT32: np.float32, types.INT32: np.int32, types.INT64: np.int64}[type_]
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(np.array(-1, dtype).tobytes(), np.uint8)
    tensor.name, tensor.type, tensor.shape = "minus_one", type_, np.array([], np.int32)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def elu_in_int8(int8_file: bytes, float_nodes: Collection[str] = ()) -> bytes:
    """Return an int8 .tflite in which each ELU between a DEQUANTIZE and a QUANTIZE reads and writes int8 itself.

    float_nodes: the tensors that are to stay float32, by name.
    """
    model = unpacked(int8_file)
    graph = model.subgraphs[0]
    makers = {index: operator for operator in graph.operators for index in operator.outputs}
    followers = {index: operator for operator in graph.operators for index in operator.inputs}
    readers = Counter(index for operator in graph.operators for index in operator.inputs)
    gone = []
    for elu in [operator for operator in graph.operators if operator_name(model, operator) == "ELU"]:
        (source,), (answer,) = elu.inputs, elu.outputs
        before: Any = makers.get(source)
        after: Any = followers.get(answer)
        around = [operator and operator_name(model, operator) for operator in (before, after)]
        between = around == ["DEQUANTIZE", "QUANTIZE"]
        if not between or readers[answer] > 1 or graph.tensors[answer].name.decode() in float_nodes:
            continue
        elu.inputs, elu.outputs = before.inputs, after.outputs
        gone.append(after)
        readers[source] -= 1
        if not readers[source]:
            gone.append(before)
    graph.operators = [operator for operator in graph.operators if operator not in gone]
    return packed(model) if gone else int8_file
