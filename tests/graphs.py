"""Model files put together by hand, operator by operator: what no converter writes.

>>> graph = Graph()
>>> padded = graph.add("PAD", [graph.image, graph.ints([[0, 0], [1, 1], [1, 1], [0, 0]])], (1, 10, 10, 3))
>>> data = graph.classifier(padded)
"""

from typing import Any

import numpy as np

IMAGE = (1, 8, 8, 3)
LABELS = tuple("abcdefg")


class Graph:
    """One model under construction; tensors are named by their number."""

    def __init__(self, shape=IMAGE, dtype: str = "float32", scale=None, zero_point=None) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "made by hand"
        self.model.operatorCodes, self.model.buffers = [], [self._buffer(None)]
        self.graph = self._subgraph()
        self.model.subgraphs = [self.graph]
        quantized = {} if scale is None else {"scales": [scale], "zero_points": [zero_point or 0]}
        self.image = self.tensor(shape, dtype, **quantized)

    def _subgraph(self):
        graph = self.schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        return graph

    def _buffer(self, data):
        buffer = self.schema.BufferT()
        buffer.data = data
        return buffer

    def tensor(
        self,
        shape,
        dtype="float32",
        data=None,
        scales=None,
        zero_points=None,
        axis=0,
        signature=None,
        buffer=None,
    ) -> int:
        """Add a tensor and return its number; ``data``: of a constant, an array or bytes."""
        tensor = self.schema.TensorT()
        tensor.shape, tensor.shapeSignature, tensor.name = (
            list(shape),
            signature,
            f"t{len(self.graph.tensors)}",
        )
        tensor.type = getattr(self.schema.TensorType, dtype.upper())
        tensor.buffer = 0 if buffer is None else buffer
        if data is not None:
            raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
            self.model.buffers.append(self._buffer(np.frombuffer(raw, np.uint8)))
            tensor.buffer = len(self.model.buffers) - 1
        if scales is not None:
            quantization = self.schema.QuantizationParametersT()
            quantization.scale, quantization.quantizedDimension = scales, axis
            quantization.zeroPoint = zero_points
            tensor.quantization = quantization
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def ints(self, values, dtype="int32") -> int:
        values = np.array(values, dtype)
        return self.tensor(values.shape, dtype, values)

    def floats(self, shape, value=0.01) -> int:
        return self.tensor(shape, "float32", np.full(shape, value, np.float32))

    def weights(self, shape, dtype="int8", scales=(0.01,), zero_points=(0,), axis=0) -> int:
        return self.tensor(shape, dtype, np.ones(shape, dtype), list(scales), list(zero_points), axis)

    def options(self, kind: str, **values: Any):
        """Return a table of options, such as ``options("Conv2D", strideW=1)``."""
        table = getattr(self.schema, f"{kind}OptionsT")()
        for name, value in values.items():
            assert hasattr(table, name), f"{kind}Options has no {name}"
            setattr(table, name, value)
        return table

    def operator(self, name: str, inputs, outputs, options=None, version: int = 1) -> None:
        """Add an operator; ``name``: of the schema, or ``CUSTOM:name``."""
        code = self.schema.OperatorCodeT()
        builtin, _, custom = name.partition(":")
        code.builtinCode = getattr(self.schema.BuiltinOperator, builtin)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        code.customCode = custom or None
        self.model.operatorCodes.append(code)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
        self.graph.operators.append(operator)

    def add(self, name: str, inputs, shape, options=None, dtype="float32", version: int = 1, **tensor) -> int:
        """Add an operator with one output of ``shape`` and return that."""
        output = self.tensor(shape, dtype, **tensor)
        self.operator(name, inputs, [output], options, version)
        return output

    def classifier(self, features: int) -> bytes:
        """End in seven logits computed from ``features``, float32; return the file."""
        shape = tuple(self.graph.tensors[features].shape)
        if len(shape) not in (2, 3, 4):
            shape = (1, int(np.prod(shape[:-1])), *(shape[-1:] or (1,)))
            features = self.add("RESHAPE", [features, self.ints(shape)], shape)
        axes = list(range(1, len(shape) - 1))
        if len(shape) > 2:
            kept = self.options("Reducer", keepDims=False)
            features = self.add("MEAN", [features, self.ints(axes)], (shape[0], shape[-1]), kept)
        weights = self.floats((7, shape[-1]))
        dense = self.options("FullyConnected")
        return self.file(self.add("FULLY_CONNECTED", [features, weights, -1], (shape[0], 7), dense))

    def file(self, *outputs: int) -> bytes:
        import flatbuffers

        self.graph.inputs, self.graph.outputs = [self.image], list(outputs)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
