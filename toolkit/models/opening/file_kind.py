"""What kind of model a file is, by its content: Keras opens some, the others get a line with the way out."""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from device.errors import EdgeError
from device.files import regular_size
from device.foreign_files import NOT_FETCHED, PACKED, is_onnx, pickles, why_foreign
from device.zip_files import DAMAGE, refuse_many

KERAS_3, HDF5, SAVED_MODEL = "Keras 3 archive", "HDF5", "SavedModel"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"  # of a Keras 3 archive
GRAPH_FILE = "saved_model.pb"  # of a SavedModel

MOST_FILE_BYTES = 2 << 30  # VGG19 with its optimizer has 1.7 GB
LONGEST_START = 1 << 16
HDF5_START = b"\x89HDF\r\n\x1a\n"
CONVERT = "convert it to .tflite (litert-torch, onnx2tf), which evaluate, benchmark and device run take"
EXPORT = "export it from where it was trained, with model.save('model.keras')"
FOREIGN = (
    *NOT_FETCHED,
    *PACKED,
    *pickles("a pickle, such as PyTorch before 1.6 or scikit-learn write", EXPORT),
    (
        4,
        b"TFL3",
        "a TFLite model",
        "name the Keras model that it was made from; evaluate, benchmark and device run take it, called .tflite",
    ),
    (0, b"{", "JSON without weights", "name the .h5 file of weights that stands beside it"),
)
CONVERTED = ("an ONNX model", "a PyTorch model")
FOREIGN_SUFFIXES = {
    ".onnx": "an ONNX model",
    ".pt": "a PyTorch model",
    ".pth": "a PyTorch model",
    ".safetensors": "a file of weights without the network",
    ".ckpt": "a checkpoint of weights without the network",
    ".index": "a checkpoint of weights without the network",
    ".pb": "a TensorFlow graph",
    ".mlmodel": "a Core ML model",
    ".params": "an MXNet model",
    ".caffemodel": "a Caffe model",
    ".engine": "a TensorRT engine",
    ".yaml": "a network without weights",
}


def kind_of(path: Path) -> str:
    """Return KERAS_3, HDF5 or SAVED_MODEL, by the content of ``path`` and not by its name.

    Raises EdgeError in one line for anything else: what it is, and how to get a Keras model instead.
    """
    if is_saved_model(path):
        return SAVED_MODEL
    if not path.exists():
        raise EdgeError(f"no model at {path}; name a .keras file, such as models/best.keras")
    if path.is_dir():
        checkpoints = any(path.glob("*.index"))
        what = "of checkpoints, weights without the network" if checkpoints else f"without {GRAPH_FILE}"
        way_out = f"; {EXPORT}" if checkpoints else ""
        raise EdgeError(f"{path} is a folder {what}; expected a .keras file or a SavedModel{way_out}")
    try:
        size = regular_size(path)
        with open(path, "rb") as handle:
            start = handle.read(64)
    except OSError as error:
        raise EdgeError(
            f"cannot read {path}: {error.strerror}; name a .keras file that you may read"
        ) from error
    if size > MOST_FILE_BYTES:
        raise EdgeError(f"{path} has {size >> 20:,} MB; expected at most {MOST_FILE_BYTES >> 20:,}")
    if not start:
        raise EdgeError(f"{path} is empty (0 bytes); expected a .keras model")
    if start.startswith(HDF5_START):
        return HDF5
    if start[4:8] != b"TFL3" and zipfile.is_zipfile(path):  # ours end with a zip of their metadata
        _refuse_other_archive(path)
        return KERAS_3
    raise EdgeError(_why_foreign(path, start))


@contextlib.contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the zip archive at ``path``; ValueError where its list is huge, zipfile.BadZipFile where it is damaged."""
    with open(path, "rb") as handle:
        refuse_many(handle)
        with zipfile.ZipFile(handle) as archive:
            yield archive


def is_saved_model(path: Path) -> bool:
    """Return whether ``path`` is a folder as TensorFlow's ``saved_model.save`` writes it."""
    return (path / GRAPH_FILE).is_file()


def refuse_odd_files(folder: Path) -> None:
    """Raise EdgeError where a SavedModel holds what is no regular file, which TensorFlow waits for, or is huge."""
    total = 0
    for file in folder.rglob("*"):
        if not file.is_dir():
            try:
                total += regular_size(file)
            except OSError as error:
                raise EdgeError(f"cannot read {file}: {error.strerror}; export the model again") from error
    if total > MOST_FILE_BYTES:
        raise EdgeError(
            f"{folder} holds {total >> 20:,} MB in all; expected at most {MOST_FILE_BYTES >> 20:,}"
        )


def _refuse_other_archive(path: Path) -> None:
    """Raise EdgeError unless the members of a zip archive are those of a Keras 3 model."""
    try:
        with opened_archive(path) as archive:
            names = set(archive.namelist())
    except (OSError, *DAMAGE) as error:
        raise EdgeError(f"{path} is a damaged zip archive ({error}); copy or save it again") from error
    missing = sorted({CONFIG, WEIGHTS} - names)
    if not missing:
        return
    if any(name.endswith("data.pkl") for name in names):
        raise EdgeError(f"{path} is a PyTorch model, expected a Keras one; {CONVERT}")
    inside = [name for name in names if name.endswith((".keras", ".h5", ".hdf5", GRAPH_FILE))]
    if inside and CONFIG not in names:
        raise EdgeError(f"{path} is a zip archive around {min(inside)}; unpack it first and name that")
    raise EdgeError(f"{path} is a zip archive but no Keras 3 model: {', '.join(missing)} is missing")


def _why_foreign(path: Path, start: bytes) -> str:
    if start.startswith(b"{") and b"modelTopology" in path.read_bytes()[:LONGEST_START]:
        return f"{path} is a TensorFlow.js model, expected a Keras one; {EXPORT}"
    if why := why_foreign(start, FOREIGN):
        return f"{path} is {why}"
    if start.startswith(b"PK"):
        return f"{path} was cut short: its end is missing; copy or save it again"
    if foreign := "an ONNX model" if is_onnx(start) else FOREIGN_SUFFIXES.get(path.suffix.lower()):
        way_out = CONVERT if foreign in CONVERTED else EXPORT
        return f"{path} is {foreign}, expected a Keras one; {way_out}"
    if path.suffix in (".h5", ".hdf5"):
        return f"{path} is no HDF5 file: it starts with {start[:8]!r}; expected a Keras .h5 model"
    return (
        f"{path} is no Keras model: it starts with {start[:8]!r}; expected .keras, .h5 or a SavedModel folder"
    )
