"""Operators that the converter leaves in float32, in a form that has an int8 kernel.

Layer and group normalisation need a negation and a square, and the kernels of both know floats only: they are products.
ELU has an int8 kernel, a table of 256 numbers, which the converter does not know of.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from toolkit.models.tflite_object import packed, unpacked


def as_products(float_file: bytes) -> bytes:
    """Return a float .tflite with ``-x`` as ``x * -1`` and the square of x as ``x * x``; the numbers are the same."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(float_file)
    kinds = schema.BuiltinOperator
    was = [code.builtinCode for code in model.operatorCodes]
    if kinds.NEG not in was and kinds.SQUARE not in was:
        return float_file
    # Their entries become MUL's: else the file would list operators that it does not use.
    for code in model.operatorCodes:
        if code.builtinCode in (kinds.NEG, kinds.SQUARE):
            code.builtinCode = code.deprecatedBuiltinCode = kinds.MUL
            code.version = 1
    for graph in model.subgraphs:
        negatives: dict[int, int] = {}  # -1 by its type
        for operator in graph.operators:
            kind = was[operator.opcodeIndex]
            if kind not in (kinds.NEG, kinds.SQUARE):
                continue
            factor = source = int(operator.inputs[0])
            if kind == kinds.NEG:
                type_ = graph.tensors[source].type
                if type_ not in negatives:
                    negatives[type_] = _minus_one(model, graph, type_)
                factor = negatives[type_]
            operator.inputs = np.array([source, factor], np.int32)
            operator.builtinOptionsType = schema.BuiltinOptions.MulOptions
            operator.builtinOptions = schema.MulOptionsT()
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
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(int8_file)
    graph, kinds = model.subgraphs[0], schema.BuiltinOperator

    def kind_of(operator: Any) -> Any:
        return operator and model.operatorCodes[operator.opcodeIndex].builtinCode

    makers = {index: operator for operator in graph.operators for index in operator.outputs}
    followers = {index: operator for operator in graph.operators for index in operator.inputs}
    readers = Counter(index for operator in graph.operators for index in operator.inputs)
    gone = []
    for elu in [operator for operator in graph.operators if kind_of(operator) == kinds.ELU]:
        (source,), (answer,) = elu.inputs, elu.outputs
        before: Any = makers.get(source)
        after: Any = followers.get(answer)
        between = (kind_of(before), kind_of(after)) == (kinds.DEQUANTIZE, kinds.QUANTIZE)
        if not between or readers[answer] > 1 or graph.tensors[answer].name.decode() in float_nodes:
            continue
        elu.inputs, elu.outputs = before.inputs, after.outputs
        gone.append(after)
        readers[source] -= 1
        if not readers[source]:
            gone.append(before)
    graph.operators = [operator for operator in graph.operators if operator not in gone]
    return packed(model) if gone else int8_file
