"""Reading a TensorFlow SavedModel, a folder, as a Keras model that can be run and converted."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import EdgeError
from device.text import a_few, one_line
from toolkit.models.opening.file_kind import GRAPH_FILE, refuse_odd_files
from toolkit.models.opening.pure_graph import refuse_impure
from toolkit.models.opening.trial import refuse_greedy
from toolkit.outputs import temporary_folder
from toolkit.quiet_tensorflow import reason_of

if TYPE_CHECKING:
    import keras
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

SIGNATURE = "serving_default"
LARGEST_GRAPH_BYTES = 64 << 20  # weights are in another file


def load_saved_model(path: Path) -> "keras.Model":
    """Return the SavedModel's ``serving_default`` as a Keras model of one input.

    Nothing of it is run before its graph is known to only compute, and before it has answered in a process of its own.
    Raises EdgeError in one line where the folder is damaged, has no such
    signature, or its graph holds any operator that is not known to be pure, or takes too much.
    """
    import keras

    refuse_odd_files(path)
    saved = _read(path)
    _verify(path, saved)
    names = {name for meta in saved.meta_graphs for name in meta.signature_def if name[:2] != "__"}
    if SIGNATURE not in names:
        has = f"the signatures {a_few(sorted(names))}" if names else "no signature"
        raise EdgeError(
            f"{path} has {has}, expected {SIGNATURE}; save the network with model.export, or as "
            "model.save('model.keras')"
        )
    refuse_greedy(path)
    try:
        with _without_optimizer(path, saved) as folder:
            layer = keras.layers.TFSMLayer(str(folder), call_endpoint=SIGNATURE)
        signature = layer._reloaded_obj.signatures[SIGNATURE]
    except Exception as error:  # TensorFlow raises many kinds here
        raise EdgeError(f"cannot load the SavedModel {path}: {reason_of(error)[:200]}") from error
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise EdgeError(
            f"{path} is no image classifier: its signature {SIGNATURE} has {len(inputs)} inputs ({', '.join(inputs)}), "
            "expected one, the picture; train it without the others"
        )
    ((name, image),) = inputs.items()
    if image.shape.rank != 4:
        raise EdgeError(
            f"{path} is no image classifier: its signature {SIGNATURE} takes the shape {image.shape}, expected "
            "(None, height, width, channels)"
        )
    face = keras.Input(tuple(image.shape[1:]), dtype=image.dtype.name, name=name)
    scores = list(layer(face).values())
    return keras.Model(face, scores[0] if len(scores) == 1 else scores, name=path.name.replace(".", "_"))


def _verify(path: Path, saved: "SavedModel") -> None:
    """Raise EdgeError unless every graph of ``saved``, of the folder ``path``, is known to only compute."""
    for meta in saved.meta_graphs:
        objects = meta.object_graph_def
        if not objects.nodes:
            raise EdgeError(
                f"{path} was saved by TensorFlow 1, whose graphs are not run; load it where it was made and save the "
                "network as model.save('model.keras')"
            )
        refuse_impure(path, meta.graph_def, objects.concrete_functions)


@contextlib.contextmanager
def _without_optimizer(path: Path, saved: "SavedModel") -> Iterator[Path]:
    """Yield the folder of ``saved``, or a copy that forgets which variables an optimizer of Keras 2 kept: no loader
    knows them."""
    nodes = [node for meta in saved.meta_graphs for node in meta.object_graph_def.nodes]
    if not any(node.slot_variables for node in nodes):
        yield path
        return
    for node in nodes:
        node.ClearField("slot_variables")
    with temporary_folder() as folder:
        for part in path.iterdir():
            if part.name != GRAPH_FILE:
                (folder / part.name).symlink_to(part.absolute())
        (folder / GRAPH_FILE).write_bytes(saved.SerializeToString())
        yield folder


def _read(path: Path) -> "SavedModel":
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = path / GRAPH_FILE
    try:
        if file.stat().st_size > LARGEST_GRAPH_BYTES:
            raise EdgeError(
                f"{file} has over {LARGEST_GRAPH_BYTES:,} bytes; that is no image classifier's graph"
            )
        return SavedModel.FromString(file.read_bytes())
    except OSError as error:
        raise EdgeError(f"cannot read {file}: {error.strerror}; check who may read it") from error
    except (EdgeError, ModuleNotFoundError):
        raise
    except Exception as error:  # protobuf's DecodeError
        raise EdgeError(f"{file} is damaged ({one_line(error)}); export the model again") from error
