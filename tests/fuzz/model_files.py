"""Model files that hypothesis makes up: damaged ones, graphs by the grammar of ``device.model.checks.operators``."""

import re
import struct
import sys
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]  # the clone first: tests/device is no package
from graphs import IMAGE, Graph

from device.errors import EdgeError
from device.model.checks.graph import unfamiliar
from device.model.checks.operators import OPERATORS, TYPES
from device.model.file.associated_files import graph_bytes
from device.model.file.tflite_file import read_tflite

TINY = Path(__file__).parents[1] / "device" / "models" / "tiny_int8.tflite"
EDGES = (-(1 << 31), -9, -2, -1, 0, 1, 2, 3, 4, 7, 8, 9, 255, 4096, 65536, (1 << 31) - 1)
SCALES = (0.5, 1.0, 1 / 255, 0.01, 1e-20, 1e-6, 1e6, 0.0, 1e-38, 3e38)
EXTRA = ("GATHER", "FILL", "DENSIFY", "WHILE", "IF", "BROADCAST_TO", "SPACE_TO_BATCH_ND", "ARG_MAX", "POW")
# Options that the schema stores in a byte.
BYTES = ("padding", "fusedActivationFunction", "mode", "weightsFormat", "outType", "quantizedBiasType", "inDataType",
         "outDataType")  # fmt: skip

good_numbers = st.sampled_from((1, 1, 1, 2, 2, 3))
# One in some twenty is an edge: a graph with one wrong number gets further than one with ten.
numbers = st.integers(0, 19).flatmap(lambda pick: st.sampled_from(EDGES) if pick == 0 else good_numbers)
shapes = st.lists(st.sampled_from((1, 1, 2, 3, 4, 8)), min_size=0, max_size=5).map(tuple)


@st.composite
def damaged(draw) -> bytes:
    """The tests' tiny model with some bytes or words changed."""
    # The name is changed, or every one of them would be refused for its missing metadata.
    content = bytearray(graph_bytes(TINY.read_bytes()).replace(b"fer_edge.json", b"other_one.txt"))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(2, len(content) // 4 - 2)) * 4
        if draw(st.booleans()):
            struct.pack_into("<i", content, place, draw(st.sampled_from(EDGES)))
        else:
            content[place + draw(st.integers(0, 3))] = draw(st.integers(0, 255))
    return bytes(content)


class Grammar:
    """Draws operators onto a graph, each input from what is there already or a new constant."""

    def __init__(self, draw, graph: Graph) -> None:
        self.draw, self.graph, self.made = draw, graph, [graph.image]

    def options(self, code: int):
        """Return a table of options of the union's kind ``code``, every number drawn."""
        schema = self.graph.schema
        kinds = {value: name for name, value in vars(schema.BuiltinOptions).items() if isinstance(value, int)}
        table = getattr(schema, f"{kinds[code]}T")()
        for name, value in vars(table).items():
            if isinstance(value, bool):
                setattr(table, name, self.draw(st.booleans()))
            elif isinstance(value, float):
                setattr(table, name, self.draw(st.sampled_from((1.0, 0.5, 0.0, -1.0, float("nan"), 1e30))))
            elif isinstance(value, int):
                small = name in BYTES or name.endswith("Mask")
                setattr(table, name, self.draw(st.integers(0, 1)) if small else self.draw(numbers))
            elif name.endswith("Dims") or name == "newShape":
                setattr(table, name, self.draw(st.lists(numbers, max_size=4)))
        return table

    def quantization(self, dtype: str) -> dict:
        if dtype not in ("int8", "uint8", "int16"):
            return {}
        unusual = self.draw(st.integers(0, 14)) == 0
        scale = self.draw(st.sampled_from(SCALES if unusual else SCALES[:4]))
        zero_point = self.draw(st.sampled_from(EDGES)) if unusual else 0
        count = self.draw(st.sampled_from((0, 2, 3))) if unusual and self.draw(st.booleans()) else 1
        return {"scales": [scale] * count, "zero_points": [zero_point] * count}

    def input(self, token: str, dtypes: dict[str, str]) -> int:
        """Return a tensor that fits the ``token`` of a signature."""
        if token.endswith("?") and self.draw(st.booleans()):
            return -1
        token = token.rstrip("?*")
        dtype = dtypes.setdefault(token, self.draw(st.sampled_from(TYPES.get(token, (token,)))))
        tensors = self.graph.graph.tensors
        code = getattr(self.graph.schema.TensorType, dtype.upper())
        fitting = [index for index in self.made if tensors[index].type == code]
        if fitting and self.draw(st.integers(0, 4)):
            return self.draw(st.sampled_from(fitting))
        return self.constant(dtype)

    def constant(self, dtype: str) -> int:
        if dtype == "int32":
            shape = self.draw(st.sampled_from(((), (1,), (2,), (3,), (4,), (4,), (4, 2))))
            count = int(np.prod(shape))
            values = self.draw(st.lists(numbers, min_size=count, max_size=count))
            return self.graph.ints(np.array(values, np.int64).reshape(shape).astype(np.int32))
        shape = self.draw(shapes)
        numpy_type = {"bool": np.bool_}.get(dtype) or np.dtype(dtype)
        fill = self.draw(st.sampled_from((0, 1, 1, 2, 100)))
        return self.graph.tensor(shape, dtype, np.full(shape, fill, numpy_type), **self.quantization(dtype))

    def operator(self) -> None:
        name = self.draw(st.sampled_from((*OPERATORS, *OPERATORS, *OPERATORS, *EXTRA)))
        kind = OPERATORS.get(name)
        signature = self.draw(st.sampled_from(kind.signatures)) if kind else "x p > x"
        before, after = (side.split() for side in signature.split(" > "))
        if before[-1].endswith("*"):
            before = before * self.draw(st.integers(1, 3))
        if self.draw(st.integers(0, 29)) == 0:
            before = before[:-1] if self.draw(st.booleans()) else [*before, "x"]
        dtypes: dict[str, str] = {}
        inputs = [self.input(token, dtypes) for token in before]
        token = after[0].rstrip("*")
        dtype = dtypes.get(token) or TYPES.get(token, (token,))[0]
        first = self.graph.graph.tensors[inputs[0]].shape if inputs and inputs[0] >= 0 else IMAGE
        count = self.draw(st.integers(1, 3)) if after[0].endswith("*") else 1
        outputs = [self.graph.tensor(first, dtype, **self.quantization(dtype)) for _ in range(count)]
        options = self.options(kind.options_type) if kind and kind.options_type else None
        self.graph.operator(name, inputs, outputs, options, self.draw(st.sampled_from((1, 1, 2, 3, 5))))
        self.made.extend(outputs)


def _ended(graph: Graph, features: int) -> bytes:
    """Return the file with ``features`` led to seven scores; its number of operators and tensors stays."""
    operators, tensors, buffers = (
        len(graph.graph.operators),
        len(graph.graph.tensors),
        len(graph.model.buffers),
    )
    codes = len(graph.model.operatorCodes)
    tensor = graph.graph.tensors[features]
    if tensor.type != graph.schema.TensorType.FLOAT32:
        quantized = tensor.quantization is not None
        features = graph.add("DEQUANTIZE" if quantized else "CAST", [features], tuple(tensor.shape))
    data = graph.classifier(features)
    del graph.graph.operators[operators:], graph.graph.tensors[tensors:], graph.model.buffers[buffers:]
    del graph.model.operatorCodes[codes:]
    return data


@st.composite
def grown(draw) -> bytes:
    """A graph of one to four operators; a wrong output shape is mended as the check says, now and then not."""
    graph = Graph()
    grammar = Grammar(draw, graph)
    for _ in range(draw(st.integers(1, 4))):
        made = len(grammar.made)
        grammar.operator()
        new = grammar.made[made:]
        if draw(st.integers(0, 9)):
            _mend(graph, new)
    return _ended(graph, grammar.made[-1])


def _mend(graph: Graph, outputs: list[int]) -> None:
    for _ in outputs:
        try:
            reason = unfamiliar(read_tflite(_ended(graph, outputs[-1]))) or ""
        except (EdgeError, ValueError, MemoryError):
            return
        found = re.search(r"it gives the shape \[([\d, ]*)\], declared is", reason)
        shape = [int(size) for size in found[1].split(",") if size.strip()] if found else None
        if shape is None or np.prod(shape, dtype=float) > 1 << 20:
            return
        for output in outputs:
            graph.graph.tensors[output].shape = shape
