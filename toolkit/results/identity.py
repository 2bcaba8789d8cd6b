"""Which model file a result is about."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.files import sha256_of
from device.model.expression_model import ExpressionModel
from device.model.pixels import BYTES
from toolkit.models.cost import keras_cost, tflite_cost
from toolkit.models.network import STORED
from toolkit.models.predictors import Predictor, of_the_file
from toolkit.results.types import ModelIdentity


def distinct_names(paths: Sequence[str]) -> dict[str, str]:
    """Return a name for each path: the file's, after as many of its folders as tell it from the others.

    >>> distinct_names(["runs/one/best.keras", "runs/two/best.keras", "m.tflite"])
    {'runs/one/best.keras': 'one/best.keras', 'runs/two/best.keras': 'two/best.keras', 'm.tflite': 'm.tflite'}
    """
    parts = {path: Path(path).absolute().parts for path in paths}
    depth = dict.fromkeys(paths, 1)
    while True:
        names = {path: "/".join(parts[path][-depth[path] :]) for path in depth}
        files = Counter(name for name, _ in {(names[path], parts[path]) for path in depth})
        alike = [path for path in depth if files[names[path]] > 1]
        if not alike:
            return names
        for path in alike:
            depth[path] += 1


def file_identity(path: str | Path, labels: Sequence[str], **facts: Any) -> ModelIdentity:
    """Return the identity of the model file, or SavedModel, at ``path``; ``facts``: its other fields, where known."""
    path = Path(path)
    kind = "saved_model" if path.is_dir() else path.suffix.lstrip(".")
    return ModelIdentity(path.name, digest_of(path), kind, size_of(path), tuple(labels), **facts)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a model file; of a SavedModel, of the names and digests of its files in order."""
    if not path.is_dir():
        return sha256_of(path)
    digest = hashlib.sha256()
    for file in _files_of(path):
        digest.update(f"{file.relative_to(path)}\0{sha256_of(file)}\n".encode())
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes of a model file, or of all files of a SavedModel."""
    return sum(file.stat().st_size for file in _files_of(path)) if path.is_dir() else path.stat().st_size


def _files_of(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def identity_of(path: str | Path, predictor: Predictor, name: str | None = None) -> ModelIdentity:
    """Return what the model file at ``path`` is; ``name``: instead of the file's."""
    predictor = of_the_file(predictor)
    if isinstance(predictor, ExpressionModel):
        parameters, macs = tflite_cost(path)
        recipe, pixel_range, origin = None, None, None
        if predictor.metadata:
            recipe, pixel_range = predictor.metadata.recipe, predictor.metadata.pixel_range or None
            origin = STORED if pixel_range else None
        elif predictor.range_is_known and predictor.input_tensor.dtype not in BYTES:
            pixel_range = predictor.pixel_range
    else:
        parameters, macs = keras_cost(predictor.model)
        recipe, origin = None, predictor.range_from
        pixel_range = predictor.pixel_range if predictor.range_is_known else None
    facts = {"parameters": parameters, "macs": macs, "pixel_range": pixel_range, "pixel_range_from": origin}
    identity = file_identity(path, predictor.labels, recipe=recipe, **facts)
    return replace(identity, name=name) if name else identity
