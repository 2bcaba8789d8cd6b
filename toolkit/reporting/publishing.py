"""A folder that is ready to be uploaded to a repository of models: files, their card, their configuration, digests."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.errors import EdgeError, UsageError
from device.files import sha256_of
from device.model.expression_model import ExpressionModel
from device.text import printable
from toolkit.models.network import FloatNetwork
from toolkit.models.options import ModelOptions
from toolkit.models.predictors import load_predictor, of_the_file
from toolkit.outputs import new_folder, refuse_input
from toolkit.reporting.model_card import PublishedModel, card, configuration
from toolkit.results.reading import read_documents
from toolkit.results.types import ModelResults

CARD, CONFIG, DIGESTS = "README.md", "config.json", "SHA256SUMS"


def publish(
    models: Sequence[str | Path],
    results: Sequence[str | Path],
    out: str | Path,
    licence: str,
    name: str = "",
    overwrite: bool = False,
) -> dict[str, str]:
    """Write model files, card, configuration and digests to the folder ``out``; return its files' SHA-256 by name.

    models: .keras and .tflite files of the same classes, the first is the card's; results: files of 'toolkit evaluate
    --out' about them; licence: of the weights, as the hub spells it; name: of the repository, by default the folder's.
    Nothing is uploaded. A new folder appears whole or not at all. Raises UsageError for wrong names, EdgeError for a
    model that was not evaluated, models of other classes, or where ``out`` holds something and ``overwrite`` is false.

    >>> publish(["best.keras", "best_int8.tflite"], ["evaluation.json"], "faces7", "apache-2.0")
    """
    paths, out = [Path(model) for model in models], Path(out)
    name = name or Path(os.path.realpath(out)).name
    refuse_names(paths, licence, name)
    for written in (CARD, CONFIG, DIGESTS, *(path.name for path in paths)):
        refuse_input(out / written, (*paths, *results))
    published = measured_models(paths, results)
    texts = {
        CARD: card(name, licence, published),
        CONFIG: json.dumps(configuration(published), indent=1, ensure_ascii=False) + "\n",
    }
    with new_folder(out, overwrite) as place:
        for written, text in texts.items():
            (place / written).write_text(text, "utf-8")
        for path in paths:
            shutil.copyfile(path, place / path.name)
        digests = {one: sha256_of(place / one) for one in (*texts, *(path.name for path in paths))}
        (place / DIGESTS).write_text("".join(f"{digest}  {one}\n" for one, digest in digests.items()))
    return digests


def refuse_names(paths: Sequence[Path], licence: str, name: str) -> None:
    """Raise UsageError unless the files may lie in one folder, under such a name and licence."""
    for path in paths:
        if not re.fullmatch(r"[\w.-]+\.(keras|tflite)", path.name):
            raise UsageError(
                f"`model` is {printable(path)}; expected NAME.keras or NAME.tflite, letters, digits, '-', '_', '.'"
            )
    names = [path.name for path in paths]
    twice = next((one for one in names if names.count(one) > 1), "")
    if twice:
        raise UsageError(f"two models are called {twice}; rename one")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence):
        raise UsageError(
            f"`license` is '{printable(licence, 60)}'; expected it as the hub spells licences, such as apache-2.0, "
            "mit, cc-by-4.0 or other"
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}", name):
        raise UsageError(
            f"the repository would be called '{printable(name, 60)}'; expected letters, digits, '-', '_' and '.'; "
            "pass `name`"
        )


def measured_models(paths: Sequence[Path], results: Sequence[str | Path]) -> list[PublishedModel]:
    """Return the models with what ``results`` hold of them; EdgeError as ``publish`` says."""
    known = read_documents([str(one) for one in results]).results.models
    entries = {entry.model.sha256: entry for entry in known}
    published = [_published(path, entries, results) for path in paths]
    labels = published[0].entry.model.labels
    for model in published:
        if model.entry.model.labels != labels:
            raise EdgeError(
                f"{model.path} names {', '.join(model.entry.model.labels)} and {paths[0]} {', '.join(labels)}; "
                "expected the same classes in one order; publish them apart"
            )
    return published


def _published(path: Path, entries: dict[str, ModelResults], results: Sequence[str | Path]) -> PublishedModel:
    if not path.is_file():
        raise EdgeError(f"no model at {path}; expected a .keras or .tflite file")
    entry = entries.get(sha256_of(path))
    if entry is None or not entry.evaluations:
        raise EdgeError(
            f"{path} is not evaluated in {', '.join(map(str, results))}; run 'toolkit evaluate --model "
            f"{shlex.quote(str(path))} --data DATA --out FILE' and name that file by `results`"
        )
    predictor = of_the_file(load_predictor(path, ModelOptions(entry.model.labels)))
    found, words = _input_of(predictor, entry)
    return PublishedModel(path, entry, found, words)


def _input_of(predictor: ExpressionModel | FloatNetwork, entry: ModelResults) -> tuple[dict[str, Any], str]:
    """Return what enters a model, for programs and as words."""
    if isinstance(predictor, ExpressionModel):
        tensor, metadata = predictor.input_tensor, predictor.metadata
        found: dict[str, Any] = dict(zip(("height", "width", "channels"), tensor.shape[1:], strict=True))
        found |= {"dtype": tensor.dtype, "colour": predictor.colour}
        if metadata is None:
            return found, f"{_size(found)} {tensor.dtype}"
        found |= {"scale": metadata.input.scale, "zero_point": metadata.input.zero_point}
        found |= {"pixel_scale": metadata.input.pixel_scale, "crop_margin": metadata.crop_margin}
        found |= {"aligned": metadata.aligned}
        entering = "pixel * pixel_scale"
        if metadata.input.scale:
            entering = f"round({entering} / {metadata.input.scale:.6g}) {metadata.input.zero_point:+d}"
        return (
            found,
            f"{_size(found)} {tensor.dtype}: {entering}, pixel 0..255, pixel_scale {metadata.input.pixel_scale:.6g}",
        )
    height, width, channels = predictor.input_shape
    found = {
        "height": height,
        "width": width,
        "channels": channels,
        "dtype": "float32",
        "colour": predictor.colour,
    }
    pixels = entry.model.pixel_range
    found["pixel_range"] = pixels
    return (
        found,
        f"{_size(found)} float32, {f'pixels as {pixels}' if pixels else 'its range of pixels is not known'}",
    )


def _size(found: dict[str, Any]) -> str:
    colours = "RGB" if found["colour"] else "gray" if found["channels"] == 1 else "gray, thrice"
    return f"faces of {found['height']}x{found['width']} pixels in {colours},"
