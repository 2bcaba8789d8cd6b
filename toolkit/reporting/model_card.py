"""The card of a model: YAML that Hugging Face's hub reads, Markdown for people; and the same facts for programs."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from device.text import printable
from toolkit.reporting.markdown import plain
from toolkit.results.types import DataIdentity, ModelResults
from toolkit.results.words import change_points, interval, percent, short_count

TAGS = ("facial-expression-recognition", "emotion-recognition", "edge")


@dataclass(frozen=True)
class PublishedModel:
    """path: its file; entry: what was measured on it; input: what enters it, and ``words``, the same for people."""

    path: Path
    entry: ModelResults
    input: dict[str, Any]
    words: str

    @property
    def name(self) -> str:
        return self.path.name


def configuration(models: Sequence[PublishedModel]) -> dict[str, Any]:
    """Return what programs read: classes in the order of the outputs, and of each file digest, size and input."""
    labels = models[0].entry.model.labels
    return {
        "library_name": library_of(models),
        "task": "image-classification",
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
        "files": {
            model.name: {
                "format": model.entry.model.format,
                "sha256": model.entry.model.sha256,
                "size_bytes": model.entry.model.size_bytes,
                "parameters": model.entry.model.parameters,
                "input": model.input,
            }
            for model in models
        },
    }


def library_of(models: Sequence[PublishedModel]) -> str:
    """Return the library that opens the first model, as the hub spells it."""
    return "keras" if models[0].path.suffix == ".keras" else "litert"


def card(name: str, licence: str, models: Sequence[PublishedModel]) -> str:
    """Return the model card: YAML between rules, which the hub reads, and Markdown for people."""
    labels = models[0].entry.model.labels
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {
        "quoted": lambda text: json.dumps(printable(text), ensure_ascii=False),
        "plain": lambda text: plain(printable(text)),
        "base": _base,
        "faces": lambda data: _faces(data, labels),
        "percent": percent,
        "interval": interval,
        "short_count": short_count,
        "shell": shlex.quote,
    }
    formats = sorted({model.path.suffix.lstrip(".") for model in models})
    recipes = [model.entry.model.recipe for model in models if model.entry.model.recipe]
    template = environment.from_string((resources.files("toolkit.reporting") / "model_card.md").read_text())
    return template.render(
        license=licence,
        library=library_of(models),
        tags=list(dict.fromkeys((*TAGS, *formats, *recipes))),
        name=name,
        labels=labels,
        models=models,
        remarks=list(dict.fromkeys(line for model in models for line in _remarks(model, models))),
    )


def _base(source: str) -> str:
    return Path(source).name or "faces"


def _faces(data: DataIdentity, labels: Sequence[str]) -> str:
    """Return what faces are called: the data's own name, without the folders of the machine they lie on, and their
    classes where these are not all that the models have, the ``labels``."""
    name = _base(data.source)
    kind = " (synthetic faces)" if data.synthetic and "synthetic" not in name else ""
    narrowed = "" if len(data.classes) == len(labels) else f", held to {', '.join(data.classes)} alone"
    return f"{name}{kind}{narrowed}"


def _remarks(model: PublishedModel, models: Sequence[PublishedModel]) -> list[str]:
    """Return what to know beside the figures of a model: training, leaks, doubts, comparisons with the others."""
    lines = []
    training = model.entry.training or {}
    if known := training.get("train_faces"):
        arch = Path(training.get("recipe", {}).get("arch", "a network")).name
        lines.append(f"{model.name} is {arch}, trained on {known} faces.")
    for one in model.entry.evaluations:
        if one.leaked_n and one.without_leaks:
            faces = _faces(one.data, model.entry.model.labels)
            lines.append(
                f"{one.leaked_n} faces of {faces} also stand in its training split; without them "
                f"{model.name} names {percent(one.without_leaks.accuracy)} of {one.without_leaks.n} right."
            )
        if one.note:
            lines.append(f"{model.name}: {one.note}.")
    published = {other.entry.model.sha256: other.name for other in models}
    for found in model.entry.comparisons:
        if found.baseline_sha256 in published:
            paired = found.paired
            lines.append(
                f"{model.name} against {published[found.baseline_sha256]} on the same {paired.n} faces: "
                f"{percent(paired.top1_agreement)} named alike, accuracy changes by "
                f"{change_points(paired.drop_points, paired.drop_interval)} points."
            )
    return lines
