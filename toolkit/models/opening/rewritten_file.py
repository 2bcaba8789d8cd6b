"""A model file as Keras opens it: written anew, with the configuration of its network as this Keras reads it."""

import json
import zipfile
from pathlib import Path
from typing import Any

from toolkit.models.opening.file_kind import CONFIG, HDF5, WEIGHTS

METADATA, MODEL_WEIGHTS = "metadata.json", "model_weights"
# Where Keras 2.13 to 2.15 kept the layers in the weights of a .keras file, and where Keras 3 looks for them.
OLD_ROOT, ROOT = "_layer_checkpoint_dependencies", "layers"


def rewritten(kind: str, config: dict[str, Any], weights: Path) -> Path:
    """Return a file of ``kind`` with ``config`` for its network, made of the HDF5 file ``weights``, beside it or it."""
    return _rewritten_hdf5(config, weights) if kind == HDF5 else _rewritten_archive(config, weights)


def is_of_keras_3(weights: Path) -> bool:
    """Return whether a file of weights alone keeps them as a .keras file does, not as Keras 2's HDF5 did."""
    import h5py

    with h5py.File(weights) as file:
        return OLD_ROOT in file or ROOT in file


def _rewritten_hdf5(config: dict[str, Any], weights: Path) -> Path:
    import h5py

    with h5py.File(weights, "r+") as file:
        if MODEL_WEIGHTS not in file:  # a file of weights alone
            inner = file.create_group(MODEL_WEIGHTS)
            for name in [name for name in file if name != MODEL_WEIGHTS]:
                file.move(name, f"{MODEL_WEIGHTS}/{name}")
            for name, value in file.attrs.items():
                inner.attrs[name] = value
        file.attrs["model_config"] = json.dumps(config).encode()
    return weights


def _rewritten_archive(config: dict[str, Any], weights: Path) -> Path:
    import h5py

    with h5py.File(weights, "r+") as file:
        if OLD_ROOT in file and ROOT not in file:
            file.move(OLD_ROOT, ROOT)
    made = weights.with_name("model.keras")
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(METADATA, "{}")
        archive.writestr(CONFIG, json.dumps(config))
        archive.write(weights, WEIGHTS)
    return made
