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

METADATA = "metadata.json"
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


def _rewrite_hdf5(path: Path, copy: Path, config: dict[str, Any]) -> None:
    import h5py

    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    with h5py.File(copy, "r+") as file:
        del file.attrs["model_config"]
        # Past 64 KiB an attribute needs room outside of the object's header, which older files do not have.
        file.attrs.create("model_config", json.dumps(config).encode(), dtype=None)


def _rewrite_archive(path: Path, copy: Path, config: dict[str, Any]) -> None:
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
