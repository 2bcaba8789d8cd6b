"""Our ``.keras`` files: what stock Keras writes, and one member more, ``fer_edge.json``.

That member holds {labels, crop_margin, training, accuracy}; stock Keras passes over it and loads the model as
ever.
"""

import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import EdgeError
from device.files import whole_file
from device.model.metadata import JSON_NAME
from toolkit.models.quiet_tensorflow import import_quietly
from toolkit.models.saved_model import is_saved_model, load_saved_model

if TYPE_CHECKING:
    import keras


def save_model(model: "keras.Model", path: str | Path, metadata: dict, overwrite: bool = False) -> None:
    """Save ``model`` with ``metadata`` as a ``.keras`` file, whole or not at all."""
    path = Path(path)
    if path.suffix != ".keras":
        raise EdgeError(f"cannot save a model as {path.name}; expected a name that ends in .keras")
    with whole_file(path, overwrite) as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(JSON_NAME, json.dumps(metadata, indent=1))


def read_keras_metadata(path: str | Path) -> dict | None:
    """Return the metadata that ``save_model`` stored, or None where the file carries none."""
    try:
        with zipfile.ZipFile(path) as archive:
            if JSON_NAME not in archive.namelist():
                return None
            return json.loads(archive.read(JSON_NAME))
    except OSError as error:
        raise EdgeError(f"cannot read {path}: {error.strerror}; name a .keras file") from error
    except zipfile.BadZipFile:
        return None
    except ValueError as error:
        raise EdgeError(f"{JSON_NAME} in {path} is no JSON ({error}); save the model again") from error


def load_keras_model(path: str | Path) -> "keras.Model":
    """Load a ``.keras`` or ``.h5`` model, without compiling it; code inside the file is never run (safe
    mode).

    Raises EdgeError in one line for a file that is missing, empty, cut short, no Keras model, or that needs
    code.
    """
    path = Path(path)
    if is_saved_model(path):
        import_quietly()
        return load_saved_model(path)
    verify_keras_file(path)
    import_quietly()
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises TypeError, ValueError, KeyError, OSError and others here
        raise EdgeError(_why_not_loaded(path, error)) from error


def verify_keras_file(path: Path) -> None:
    """Raise EdgeError unless there is a SavedModel at ``path``, or a whole file that may be read and looks right."""
    if is_saved_model(path):
        return
    if not os.path.exists(path):
        raise EdgeError(f"no model at {path}; name a .keras file, such as models/best.keras")
    if path.is_dir():
        raise EdgeError(f"{path} is a folder without saved_model.pb; expected a .keras file or a SavedModel")
    if path.stat().st_size == 0:
        raise EdgeError(f"{path} is empty (0 bytes); expected a .keras model")
    try:
        with open(path, "rb") as handle:
            start = handle.read(8)
    except OSError as error:
        raise EdgeError(
            f"cannot read {path}: {error.strerror}; name a .keras file that you may read"
        ) from error
    if path.suffix in (".h5", ".hdf5"):
        if start != b"\x89HDF\r\n\x1a\n":
            raise EdgeError(f"{path} is no HDF5 file: it starts with {start!r}; expected a Keras .h5 model")
        return
    if path.suffix != ".keras":
        raise EdgeError(f"{path} is called {path.suffix or 'without a suffix'}; expected a .keras file")
    if not zipfile.is_zipfile(path):
        if start.startswith(b"PK"):
            raise EdgeError(f"{path} was cut short: its end is missing; copy or save it again")
        raise EdgeError(f"{path} is no Keras model: expected a zip archive, found {start!r}")
    with zipfile.ZipFile(path) as archive:
        missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
    if missing:
        raise EdgeError(
            f"{path} is a zip archive but no Keras 3 model: {', '.join(sorted(missing))} is missing"
        )


def _why_not_loaded(path: Path, error: Exception) -> str:
    text = " ".join(str(error).split())
    code = [name for kind, name in _layers_inside(path) if kind == "Lambda"]
    if code or "unsafe" in text:
        named = f" in the layer {', '.join(code)}" if code else ""
        return (
            f"{path} holds Python code{named} (Lambda), which is not run; replace it by a Keras layer (Rescaling, "
            "Resizing, Permute ...) and save the model again"
        )
    if unknown := re.search(r"(?:Could not locate class|Unknown layer:) '(\w+)'", text):
        kind = unknown.group(1)
        names = ", ".join(name for found, name in _layers_inside(path) if found == kind) or "a layer"
        return f"{path} needs the custom class {kind} ({names}), not part of Keras; build the model from Keras layers"
    return f"Keras cannot load {path}: {type(error).__name__}: {text[:200]}"


def _layers_inside(path: Path) -> list[tuple[str, str]]:
    """Return (class, name) of every layer that a file's configuration names; empty where it cannot be read."""
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
        else:
            import h5py

            with h5py.File(path) as file:
                config = json.loads(file.attrs["model_config"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return []
    return list(_named_classes(config))


def _named_classes(config: object) -> Iterator[tuple[str, str]]:
    if isinstance(config, dict):
        inner = config.get("config")
        if "class_name" in config and isinstance(inner, dict) and "name" in inner:
            yield str(config["class_name"]), str(inner["name"])
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _named_classes(part)
