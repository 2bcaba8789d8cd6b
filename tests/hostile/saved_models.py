"""Hostile SavedModel folders, made of a good one; each entry is one of a kind."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[Path], object]
VARIABLES = "variables/variables.data-00000-of-00001"
INDEX = "variables/variables.index"


def copied(change: Change) -> Callable[[Path, Path], None]:
    """Return what writes the folder with something in it changed."""

    def write(good: Path, out: Path) -> None:
        shutil.copytree(good.with_name("good_saved"), out)
        change(out)

    return write


def graph(change: Callable[[Any], object]) -> Callable[[Path, Path], None]:
    """Return what writes the folder with its first MetaGraphDef changed."""

    def apply(folder: Path) -> None:
        from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

        model = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        change(model.meta_graphs[0])
        (folder / "saved_model.pb").write_bytes(model.SerializeToString())

    return copied(apply)


def replaced(name: str, place: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        place(folder / name)

    return copied(change)


def enlarged(path: Path, size: int) -> None:
    with open(path, "r+b") as file:
        file.truncate(size)


def calling(depth: int, times: int) -> Callable[[Any], None]:
    """Functions that call the next one some times, as deep as told."""

    def change(meta: Any) -> None:
        library = meta.graph_def.library
        for number in range(depth):
            function = library.function.add()
            function.signature.name = f"f{number}"
            for call in range(times):
                node = function.node_def.add(
                    op="PartitionedCall" if number + 1 < depth else "NoOp", name=f"n{call}"
                )
                if number + 1 < depth:
                    node.attr["f"].func.name = f"f{number + 1}"

    return change


def constants(meta: Any) -> None:
    for number in range(60):
        node = meta.graph_def.library.function[0].node_def.add(op="Const", name=f"c{number}")
        node.attr["dtype"].type = node.attr["value"].tensor.dtype = 1
        node.attr["value"].tensor.tensor_shape.dim.add(size=1 << 25)
        node.attr["value"].tensor.float_val.append(1.0)


def operator(name: str) -> Callable[[Path, Path], None]:
    return graph(lambda meta: meta.graph_def.library.function[0].node_def.add(op=name, name="put"))


def input_shape(meta: Any) -> None:
    for one in meta.signature_def["serving_default"].inputs.values():
        for dim in one.tensor_shape.dim:
            dim.size = 10**9


def shapes(meta: Any) -> None:
    for node in meta.object_graph_def.nodes:
        if node.HasField("variable"):
            node.variable.shape.dim.add(size=10**12)


def children(meta: Any) -> None:
    for node in meta.object_graph_def.nodes:
        for child in node.children:
            child.node_id = 10**9


OPERATORS = (
    "ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "EagerPyFunc", "LoadLibrary", "Save", "RestoreSlice",
    "HashTableV2", "IteratorV2", "InitializeTableFromTextFileV2", "TextLineReaderV2", "FixedLengthRecordReaderV2",
    "WholeFileReader", "Assert", "Print", "Where2", "_Send", "RemoteCall", "XlaLaunch", "DecodeJpeg", "Bucketize",
)  # fmt: skip
FOLDERS: dict[str, Callable[[Path, Path], None]] = {
    "no variables": copied(lambda folder: shutil.rmtree(folder / "variables")),
    "half the variables": copied(lambda folder: enlarged(folder / VARIABLES, 100)),
    "half the index": copied(lambda folder: enlarged(folder / INDEX, 100)),
    "an index of nothing": copied(lambda folder: enlarged(folder / INDEX, 0)),
    "variables of 1 TB": copied(lambda folder: enlarged(folder / VARIABLES, 1 << 40)),
    "a pipe for variables": replaced(VARIABLES, os.mkfifo),
    "a pipe for the index": replaced(INDEX, os.mkfifo),
    "a device for variables": replaced(VARIABLES, lambda path: path.symlink_to("/dev/zero")),
    "other variables by a link": replaced(VARIABLES, lambda path: path.symlink_to("/etc/passwd")),
    "a pipe as fingerprint": replaced("fingerprint.pb", os.mkfifo),
    "a pipe as graph": replaced("saved_model.pb", os.mkfifo),
    "the graph as text": replaced("saved_model.pb", lambda path: path.with_suffix(".pbtxt").touch()),
    "a graph of 100 MB": copied(lambda folder: enlarged(folder / "saved_model.pb", 100 << 20)),
    "a graph of nothing": copied(lambda folder: enlarged(folder / "saved_model.pb", 0)),
    "no signature": graph(lambda meta: meta.signature_def.clear()),
    "a signature of absurd shape": graph(input_shape),
    "variables of absurd shape": graph(shapes),
    "objects that are not there": graph(children),
    "assets above the folder": graph(lambda meta: meta.asset_file_def.add(filename="../../../etc/passwd")),
    "functions 5,000 deep": graph(calling(5000, 1)),
    "calls that multiply": graph(calling(60, 2)),
    "constants of 8 GB in all": graph(constants),
    **{f"the operator {name}": operator(name) for name in OPERATORS},
}  # fmt: skip
