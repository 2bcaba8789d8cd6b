"""Reading a TensorFlow SavedModel, a folder, as a Keras model that can be run and converted."""

from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import EdgeError

if TYPE_CHECKING:
    import keras

SIGNATURE = "serving_default"
# A SavedModel is a graph of operators, and some of TensorFlow's reach outside of it.
REACHING_OPERATORS = {
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "PyFunc",
    "PyFuncStateless",
    "EagerPyFunc",
    "LoadLibrary",
}


def is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def load_saved_model(path: Path) -> "keras.Model":
    """Return the SavedModel's ``serving_default`` as a Keras model of one input and one output.

    Raises EdgeError in one line where the folder is damaged, has no such signature, or its graph holds
    operators that read or write files or call Python.
    """
    import keras

    _refuse_reaching(path)
    try:
        layer = keras.layers.TFSMLayer(str(path), call_endpoint=SIGNATURE)
        signature = layer._reloaded_obj.signatures[SIGNATURE]
    except Exception as error:  # TensorFlow raises many kinds here
        raise EdgeError(f"cannot load the SavedModel {path}: {' '.join(str(error).split())[:200]}") from error
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise EdgeError(
            f"{path} is no image classifier: its signature {SIGNATURE} has {len(inputs)} inputs and {len(outputs)} "
            "outputs, expected one of each"
        )
    ((name, image),) = inputs.items()
    face = keras.Input(tuple(image.shape[1:]), name=name)
    (scores,) = layer(face).values()
    return keras.Model(face, scores, name=path.name.replace(".", "_"))


def _refuse_reaching(path: Path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        graphs = [
            meta.graph_def
            for meta in SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs
        ]
    except Exception as error:  # protobuf's DecodeError, or OSError
        raise EdgeError(f"{path}/saved_model.pb is damaged ({error}); export the model again") from error
    nodes = [node.op for graph in graphs for part in (graph.node, *_bodies(graph)) for node in part]
    reaching = sorted(REACHING_OPERATORS.intersection(nodes))
    if reaching:
        raise EdgeError(
            f"{path} reaches outside of its graph with {', '.join(reaching)}, which is not run; export it anew"
        )


def _bodies(graph) -> list:
    return [function.node_def for function in graph.library.function]
