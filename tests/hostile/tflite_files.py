"""Hostile ``.tflite`` files that no converter writes; each is one of a kind, beside those of tests/device/model."""

import copy
import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from graphs import IMAGE, Graph

CLEAR = "\x1b[2J\x07\n"


def graph(change: Callable[[Graph], int | None]) -> Callable[[Path, Path], None]:
    """Return what writes a graph of the picture, or of the tensor that ``change`` returns, and seven scores."""

    def write(good: Path, out: Path) -> None:
        made = Graph()
        features = change(made)
        out.write_bytes(made.classifier(made.image if features is None else features))

    return write


def after(change: Callable[[bytes], bytes]) -> Callable[[Path, Path], None]:
    """Return what writes the bytes of a good graph changed."""

    def write(good: Path, out: Path) -> None:
        made = Graph()
        out.write_bytes(change(made.classifier(made.image)))

    return write


def operator(name: str, version: int = 1) -> Callable[[Path, Path], None]:
    return graph(lambda made: made.add(name, [made.image], IMAGE, version=version))


def buffer(offset: int, size: int) -> Callable[[Path, Path], None]:
    """A constant whose bytes are said to lie outside of the graph, as in files over 2 GB."""

    def change(made: Graph) -> None:
        held = made._buffer(None)
        held.offset, held.size = offset, size
        made.model.buffers.append(held)
        made.tensor((1000,), buffer=len(made.model.buffers) - 1)

    return graph(change)


def many_operators(made: Graph) -> int:
    last = made.add("RELU", [made.image], IMAGE)
    first = made.graph.operators[-1]
    for _ in range(20_000):
        one = copy.copy(first)
        one.inputs, one.outputs = [last], [made.tensor(IMAGE)]
        (last,) = one.outputs
        made.graph.operators.append(one)
    return last


def signature(made: Graph) -> None:
    held = made.schema.SignatureDefT()
    held.signatureKey, held.inputs, held.outputs, held.subgraphIndex = CLEAR, [], [], 10**6
    made.model.signatureDefs = [held]


def metadata(made: Graph) -> None:
    held = made.schema.MetadataT()
    held.name, held.buffer = "min_runtime_version", 10**6
    made.model.metadata = [held]


def resource(made: Graph) -> None:
    options = made.options("VarHandle", container="/etc/passwd", sharedName="x" * 1000)
    made.add("VAR_HANDLE", [], (1,), options, dtype="resource")


def many_scales(made: Graph) -> None:
    count = 1_000_000
    made.operator(
        "QUANTIZE", [made.image], [made.tensor(IMAGE, "int8", scales=[0.1] * count, zero_points=[0] * count)]
    )


def zipped(_: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("model.tflite", b"TFL3")
    return content.getvalue()


TFLITE_FILES: dict[str, Callable[[Path, Path], None]] = {
    "a constant over the graph's own bytes": buffer(2, 10**6),
    "a constant at 2^63": buffer(2**63, 2**63),
    "a description with control characters": graph(lambda made: setattr(made.model, "description", CLEAR * 1000)),
    "a description of 5 MB": graph(lambda made: setattr(made.model, "description", "x" * 5_000_000)),
    "an operator's name with control characters": operator(f"CUSTOM:{CLEAR}"),
    "an operator's name of 2 MB": operator("CUSTOM:" + "e" * 2_000_000),
    "an operator of TensorFlow that reads files": operator("CUSTOM:FlexReadFile"),
    "an operator of version 2^31": operator("RELU", 2**31 - 1),
    "an operator of StableHLO": operator("STABLEHLO_COMPOSITE"),
    "300,000 buffers": graph(lambda made: made.model.buffers.extend([made._buffer(None)] * 300_000)),
    "60,000 tensors": graph(lambda made: [made.tensor((1,)) for _ in range(60_000)] and None),
    "20,000 operators": graph(many_operators),
    "50,000 subgraphs": graph(lambda made: made.model.subgraphs.extend([made._subgraph()] * 50_000)),
    "a signature of another graph": graph(signature),
    "metadata in no buffer": graph(metadata),
    "an open shape of 400 sizes": graph(
        lambda made: setattr(made.graph.tensors[made.image], "shapeSignature", [-1] * 400)),
    "1,000 dimensions": graph(lambda made: made.add("RESHAPE", [made.image], (1,) * 1000)),
    "a picture that is a state": graph(lambda made: setattr(made.graph.tensors[made.image], "isVariable", True)),
    "a name that is no text": graph(lambda made: setattr(made.graph.tensors[0], "name", b"\xff\xfe\x1b")),
    "a graph that prepares itself": graph(
        lambda made: made.add("CALL_ONCE", [], (1,), made.options("CallOnce", initSubgraphIndex=0)) and None),
    "a resource by a path": graph(resource),
    "a table": graph(lambda made: made.add("HASHTABLE", [], (1,), made.options("Hashtable"), "resource") and None),
    "a million scales": graph(many_scales),
    "half a file": after(lambda data: data[: len(data) // 2]),
    "a zip": after(zipped),
    "200 MB behind it": after(lambda data: data + bytes(200 << 20)),
}  # fmt: skip
