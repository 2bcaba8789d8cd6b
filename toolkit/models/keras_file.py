"""Keras model files: those of Keras 2.0 to today are opened, ours carry one member more, ``fer_edge.json``.

That member holds what ``save_model`` is given: of a training {labels, crop_margin, training}. Stock Keras passes over
it and loads the model as ever.
"""

import contextlib
import json
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import EdgeError
from device.files import regular_size, whole_file
from device.model.file.associated_files import JSON_NAME
from device.model.file.json_fields import JsonFields
from toolkit.models.opening.allowed_operations import ALLOWED, refuse_unlisted
from toolkit.models.opening.configuration import (
    OF_KERAS,
    OLD_HARD_SIGMOID,
    in_float32,
    in_keras_3,
    is_of_keras_2,
    quantized_layers,
    without_training,
)
from toolkit.models.opening.declared import Declared, parse_config, parts, read_declared, read_member
from toolkit.models.opening.file_kind import KERAS_3, SAVED_MODEL, kind_of, opened_archive
from toolkit.models.opening.operations import foreign_operations
from toolkit.models.opening.rewritten_file import is_of_keras_3, rewritten
from toolkit.models.opening.size_check import refuse_large_network
from toolkit.outputs import temporary_folder
from toolkit.quiet_tensorflow import import_quietly, reason_of

if TYPE_CHECKING:
    import keras

EXPORT = "or write a SavedModel where the code is, model.export('folder'), and name that"
# Layers that run code or read files which their configuration names; Keras' safe mode refuses most of them too.
CODE_LAYERS = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")

# What Keras says of a number in a call that it takes for a layer's, as x - 1.0 in an .h5 file.
NUMBER_IN_CALL = "Only input tensors may be passed as positional arguments"

# What TensorFlow's Model Optimization lays around layers while it trains, and how a network is without it.
STRIPPED = "and save what it returns"
OF_THEIR_TOOL = {
    "PruneLowMagnitude": f"call tfmot.sparsity.keras.strip_pruning(model) where it was trained, {STRIPPED}",
    "ClusterWeights": f"call tfmot.clustering.keras.strip_clustering(model) where it was trained, {STRIPPED}",
    "QuantizeLayer": "name the network from before quantize_model, or convert it with TFLiteConverter where it was "
    "trained: evaluate, benchmark and device run take its .tflite",
}


def save_model(
    model: "keras.Model", path: str | Path, metadata: dict[str, Any], overwrite: bool = False
) -> None:
    """Save ``model`` with ``metadata`` as a ``.keras`` file, whole or not at all.

    Usage: ``save_model(model, "runs/one/best.keras", {"labels": ["happy", "sad"]})``. Raises EdgeError for another
    suffix, for an existing file without ``overwrite``, and where the disk refuses.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise EdgeError(f"cannot save a model as {path.name}; expected a name that ends in .keras")
    with whole_file(path, overwrite) as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(JSON_NAME, json.dumps(metadata, indent=1))


def read_keras_metadata(path: str | Path) -> dict[str, Any] | None:
    """Return the metadata that ``save_model`` stored, or None where the file is another one or carries none.

    Raises EdgeError for a file that cannot be read, or whose metadata is damaged or no JSON object.
    """
    path = Path(path)
    try:
        regular_size(path)
        if not zipfile.is_zipfile(path):
            return None
        with opened_archive(path) as archive:
            if JSON_NAME not in archive.namelist():
                return None
            document = parse_config(read_member(archive, JSON_NAME, path), f"{JSON_NAME} in {path}")
    except (zipfile.BadZipFile, ValueError) as error:
        raise EdgeError(f"{path} is a damaged zip archive ({error}); copy or save it again") from error
    except OSError as error:
        raise EdgeError(f"cannot read {path}: {error.strerror}; name a .keras file") from error
    if not isinstance(document, dict):
        raise EdgeError(f"{JSON_NAME} in {path} is no JSON object; save the model again")
    _check_types(JsonFields(document, f"{JSON_NAME} in {path}"))
    return document


def _check_types(fields: JsonFields) -> None:
    """Raise EdgeError for a value of another type, of those that are read wherever the file is."""
    if fields.document.get("pixel_range") is not None:
        fields.text("pixel_range")
    if fields.document.get("training") is not None:
        training = fields.fields("training")
        if training.document.get("recipe") is not None:
            training.fields("recipe")


def load_keras_model(path: str | Path) -> "keras.Model":
    """Load a ``.keras`` or ``.h5`` file of Keras 2.0 or later, or a SavedModel folder, in float32 and not compiled.

    What a file is shows its content, not its name. Nothing of it is built before what it declares is known to be of
    moderate size, and code inside it is never run (safe mode). Raises EdgeError in one line for a file that is
    missing, damaged, no Keras model, hostile, or that needs code.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind == SAVED_MODEL:
        from toolkit.models.opening.saved_model import load_saved_model

        import_quietly()
        return load_saved_model(path)
    with temporary_folder() as folder:
        weights = folder / "weights.h5"
        declared = read_declared(path, kind, weights)
        _refuse_code(path, declared.config)
        if declared.alone and is_of_keras_3(weights):
            kind, declared = KERAS_3, replace(declared, config={**OF_KERAS, **declared.config})
        try:
            config = _current(path, declared)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise EdgeError(
                f"{path} describes no network that Keras knows ({error}); save it again"
            ) from error
        import_quietly()
        refuse_unlisted(path, config)
        openable = rewritten(kind, config, weights)
        refuse_large_network(path, lambda: _load(path, openable, config))
        return _load(path, openable, config)


def _current(path: Path, declared: Declared) -> dict[str, Any]:
    """Return the network's configuration as this Keras reads it, in float32."""
    if layers := quantized_layers(declared.config):
        raise EdgeError(
            f"{path} was quantized by Keras itself ({', '.join(layers[:3])}); name the model as it was before "
            "model.quantize()"
        )
    if functions := list(dict.fromkeys(foreign_operations(declared.config))):
        raise EdgeError(
            f"{path} calls TensorFlow between its layers ({', '.join(functions[:4])}), which Keras 3 does not read; "
            "with the TensorFlow that wrote it, save the network as a folder, tf.saved_model.save(model, 'model'), and "
            "name that"
        )
    config = in_keras_3(declared.config) if is_of_keras_2(declared.config) else declared.config
    made: dict[str, Any] = in_float32(without_training(config))
    network = made.get("config")
    if isinstance(network, dict) and isinstance(network.get("name"), str):
        network["name"] = _plain_name(network["name"])
    return made


def _plain_name(name: str) -> str:
    """Return a network's name with the characters that TensorFlow takes for a scope."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return plain if plain[:1].isalnum() else f"model{plain}"


def _load(path: Path, openable: Path, config: dict[str, Any]) -> "keras.Model":
    import keras

    with _quietly():
        try:
            with keras.saving.custom_object_scope(_functions()):
                return keras.models.load_model(openable, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises TypeError, ValueError, KeyError, OSError and others here
            raise EdgeError(_why_not_loaded(path, error, config)) from error


def _functions() -> dict[str, Any]:
    """Return the activations that files name as this Keras does not: Keras 2's own, and TensorFlow's of tf.nn."""
    import keras

    return {
        OLD_HARD_SIGMOID: hard_sigmoid_of_keras_2,
        "softmax_v2": keras.activations.softmax,
        "swish": keras.activations.silu,
    }


def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """Return what Keras 2 called hard_sigmoid."""
    import keras

    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep Keras' remarks about a file off the terminal; what prevents loading it is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refuse_code(path: Path, config: dict[str, Any]) -> None:
    code = [(kind, name) for kind, name in _named_classes(config) if kind in CODE_LAYERS]
    if code:
        kinds = ", ".join(sorted({kind for kind, _ in code}))
        names = ", ".join(name for _, name in code[:3])
        raise EdgeError(
            f"{path} holds Python code in the layer {names} ({kinds}), which is not run; replace it by a Keras layer "
            f"(Rescaling, Resizing, Permute ...) and save the model again, {EXPORT}"
        )


def _why_not_loaded(path: Path, error: Exception, config: dict[str, Any]) -> str:
    text = reason_of(error)
    if "unsafe" in text or "safe_mode" in text:
        return (
            f"{path} holds Python code, which is not run; replace it by Keras layers and save the model again, "
            f"{EXPORT}"
        )
    unknown = re.search(r"(?:Could not locate class|Unknown layer:) '([\w>.-]+)'", text)
    if ((unknown and unknown[1] in ALLOWED) or NUMBER_IN_CALL in text) and not zipfile.is_zipfile(path):
        return (
            f"{path} calls operations between its layers (x / 127.5, keras.ops), which Keras 3 writes to .h5 and does "
            "not read from it; save the network as model.save('model.keras') where it was trained, and name that"
        )
    if unknown:
        kind = unknown.group(1)
        names = ", ".join(name for found, name in _named_classes(config) if found == kind) or "a layer"
        way_out = OF_THEIR_TOOL.get(kind) or f"build the model from Keras layers, {EXPORT}"
        return f"{path} needs the custom class {kind} ({names}), not part of Keras; {way_out}"
    if unknown := re.search(r"(?:locate function|function identifier:) '?([\w>.-]+)", text):
        return f"{path} needs the custom function {unknown[1]}, not part of Keras; replace it by one of Keras, {EXPORT}"
    shapes = re.search(r"variable\.shape=(\([\d, ]*\)).*?value\.shape=(\([\d, ]*\))", text)
    if shapes:
        layer = re.search(r"object <\w+ name=([\w./-]+)", text)
        return (
            f"{path}: the network does not fit its weights{f' in {layer[1]}' if layer else ''}: it declares "
            f"{shapes[1]}, stored is {shapes[2]}; save the model again"
        )
    return f"Keras cannot load {path}: {type(error).__name__}: {text[:200]}"


def _named_classes(config: object) -> Iterator[tuple[str, str]]:
    """Yield (class, name) of every layer that a configuration names."""
    for part in parts(config):
        inner = part.get("config")
        if "class_name" in part and isinstance(inner, dict) and "name" in inner:
            yield str(part["class_name"]), str(inner["name"])
