"""A model file as Keras opens it: under the suffix it goes by, with its network's configuration replaced."""

import contextlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit.models.declared import CONFIG, WEIGHTS
from toolkit.models.file_kind import HDF5

METADATA, MODEL_WEIGHTS = "metadata.json", "model_weights"
# Where Keras 2.13 to 2.15 kept the layers in the weights of a .keras file, and where Keras 3 looks for them.
OLD_ROOT, ROOT = "_layer_checkpoint_dependencies", "layers"


@contextlib.contextmanager
def rewritten(path: Path, kind: str, config: dict[str, Any] | None) -> Iterator[Path]:
    """Yield a path whose suffix tells Keras the ``kind`` of ``path``, with ``config`` for its network, None: its own.

    The file itself is never changed.
    """
    suffix = ".h5" if kind == HDF5 else ".keras"
    if config is None and path.suffix == suffix:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fer-edge-") as folder:
        copy = Path(folder, f"model{suffix}")
        if config is None:
            copy.symlink_to(path.absolute())
        elif kind == HDF5:
            _rewrite_hdf5(path, copy, config)
        else:
            _rewrite_archive(path, copy, config)
        yield copy


def is_of_keras_3(path: Path) -> bool:
    """Return whether a file of weights alone keeps them as a .keras file does, not as Keras 2's HDF5 did."""
    import h5py

    with h5py.File(path) as file:
        return OLD_ROOT in file or ROOT in file


def _rewrite_hdf5(path: Path, copy: Path, config: dict[str, Any]) -> None:
    import h5py

    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    with h5py.File(copy, "r+") as file:
        if MODEL_WEIGHTS not in file:  # a file of weights alone
            inner = file.create_group(MODEL_WEIGHTS)
            for name in [name for name in file if name != MODEL_WEIGHTS]:
                file.move(name, f"{MODEL_WEIGHTS}/{name}")
            for name, value in file.attrs.items():
                inner.attrs[name] = value
        file.attrs.pop("model_config", None)
        # Past 64 KiB an attribute needs room outside of the object's header, which older files do not have.
        file.attrs.create("model_config", json.dumps(config).encode(), dtype=None)


def _rewrite_archive(path: Path, copy: Path, config: dict[str, Any]) -> None:
    if not zipfile.is_zipfile(path):  # a file of weights alone
        with zipfile.ZipFile(copy, "w") as made:
            made.writestr(METADATA, "{}")
            made.writestr(CONFIG, json.dumps(config))
            made.writestr(WEIGHTS, _weights_in_keras_3(path.read_bytes()))
        return
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w") as made:
        if METADATA in archive.namelist():
            made.writestr(METADATA, archive.read(METADATA))
        made.writestr(CONFIG, json.dumps(config))
        made.writestr(WEIGHTS, _weights_in_keras_3(archive.read(WEIGHTS)))


def _weights_in_keras_3(weights: bytes) -> bytes:
    import h5py

    content = io.BytesIO(weights)
    with h5py.File(content, "r+") as file:
        if OLD_ROOT in file and ROOT not in file:
            file.move(OLD_ROOT, ROOT)
    return content.getvalue()
