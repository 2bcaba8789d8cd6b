"""A model file's metadata: labels, input contract, provenance, measured accuracy.

Two forms travel in one .tflite: the standard TFLite metadata (a flatbuffer in the buffer TFLITE_METADATA,
with ``labels.txt`` appended as a zip member, so that other tools find the labels), and ``fer_edge.json``, a
second zip member with everything else. Python's ``zipfile`` opens the .tflite as it is.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.frames import CROP_MARGIN
from device.labels import checked_labels
from device.model.file.associated_files import (
    JSON_NAME,
    LABELS_NAME,
    graph_bytes,
    name_of,
    read_associated_files,
)
from device.model.file.json_fields import JsonFields
from device.text import printable

SCHEMA_VERSION = 1
STANDARD_NAME = "TFLITE_METADATA"
INPUT_TYPES = ("float32", "int8", "uint8", "int16")


@dataclass(frozen=True)
class InputContract:
    """What enters the network: ``stored = round(pixel * pixel_scale / scale) + zero_point``, pixels being
    0..255.

    For a float input, ``scale`` is 0 and ``pixel * pixel_scale`` enters as it is.
    """

    height: int
    width: int
    channels: int
    dtype: str
    scale: float
    zero_point: int
    pixel_scale: float = 1 / 255


@dataclass(frozen=True)
class ModelMetadata:
    """The content of ``fer_edge.json``.

    ``crop_margin``: side of the crop in widths of YuNet's box; ``aligned``: whether faces are turned upright first,
    which helps networks that were trained without it, too (packaged model: 0, +2, +10 points at 10, 20, 30 degrees);
    ``colour``: whether a network of three channels learnt from coloured pictures and is given red, green and blue, else
    the same gray thrice; ``pixel_range``: what the Keras original took of a pixel, such as '0..1' (its rescaling is in
    the graph);
    ``kept_float``: the layers that stayed in float32; ``equalized``: channels made alike first;
    ``representative``: {count, sha256, source} of the faces that set the ranges; ``accuracy``: {float,
    quantized}, each {accuracy, n, interval, data}; ``weights_sha256``: of the file's bytes before the
    appended zip (graph and weights).
    """

    labels: tuple[str, ...]
    input: InputContract
    crop_margin: float = CROP_MARGIN
    aligned: bool = True
    colour: bool = False
    pixel_range: str = ""
    recipe: str = ""
    kept_float: tuple[str, ...] = ()
    equalized: bool = False
    representative: dict[str, Any] | None = None
    accuracy: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    weights_sha256: str = ""
    created: str = ""

    def to_json(self) -> dict[str, Any]:
        document = asdict(self)
        document["labels"], document["kept_float"] = list(self.labels), list(self.kept_float)
        if not self.colour:  # so that a gray model's file stays what it was before there was colour
            del document["colour"]
        return {"schema_version": SCHEMA_VERSION, **document}

    @classmethod
    def from_json(cls, document: Any, name: str = JSON_NAME) -> "ModelMetadata":
        """Build from ``to_json``'s document; fields of later versions are passed over.

        This is where types and ranges are checked: EdgeError, calling the document ``name``, for the first
        that does not fit. Texts other than labels may hold any character; ``printable`` is for their reader.
        """
        fields = JsonFields(document, name)
        return cls(
            labels=checked_labels(fields.texts("labels"), name),
            input=_input_contract(fields.fields("input")),
            crop_margin=fields.number("crop_margin", 0.1, 10.0, cls.crop_margin),
            aligned=fields.flag("aligned", cls.aligned),
            colour=fields.flag("colour", cls.colour),
            pixel_range=fields.text("pixel_range", ""),
            recipe=fields.text("recipe", ""),
            kept_float=fields.texts("kept_float", ()),
            equalized=fields.flag("equalized", False),
            representative=_representative(fields),
            accuracy=_accuracy(fields),
            versions=_versions(fields),
            weights_sha256=fields.text("weights_sha256", ""),
            created=fields.text("created", ""),
        )


def _input_contract(fields: JsonFields) -> InputContract:
    dtype = fields.text("dtype")
    if dtype not in INPUT_TYPES:
        raise EdgeError(
            f"{fields.name}: dtype is '{printable(dtype, 60)}'; expected one of {', '.join(INPUT_TYPES)}"
        )
    return InputContract(
        height=fields.integer("height", 1, 1 << 16),
        width=fields.integer("width", 1, 1 << 16),
        channels=fields.integer("channels", 1, 3),
        dtype=dtype,
        scale=fields.number("scale", 0.0 if dtype == "float32" else 1e-12, 1e12),
        zero_point=fields.integer("zero_point", -(1 << 15), 1 << 15),
        pixel_scale=fields.number("pixel_scale", 1e-9, 1e9, InputContract.pixel_scale),
    )


def _representative(fields: JsonFields) -> dict[str, Any] | None:
    if fields.document.get("representative") is None:
        return None
    faces = fields.fields("representative")
    count = faces.integer("count", 0, 1 << 40)
    return {"count": count, "sha256": faces.text("sha256"), "source": faces.text("source")}


def _accuracy(fields: JsonFields) -> dict[str, Any] | None:
    if fields.document.get("accuracy") is None:
        return None
    every = fields.fields("accuracy")
    figures = {name: every.fields(name) for name in ("float", "quantized") if name in every.document}
    return {
        name: {
            "accuracy": figure.number("accuracy", 0, 1),
            "n": figure.integer("n", 0, 1 << 40),
            "interval": figure.numbers("interval", 2),
            "data": figure.text("data"),
        }
        for name, figure in figures.items()
    }


def _versions(fields: JsonFields) -> dict[str, str]:
    if "versions" not in fields.document:
        return {}
    versions = fields.fields("versions")
    if len(versions.document) > 100:
        raise EdgeError(f"{versions.name} names {len(versions.document)} packages; expected at most 100")
    return {package: versions.text(package) for package in versions.document}


def read_metadata(source: str | Path | bytes, name: str | None = None) -> ModelMetadata | None:
    """Return the metadata of a .tflite, given by path or as bytes, or None where it carries no
    ``fer_edge.json``.

    Raises EdgeError, calling the file ``name``, if it cannot be read or what it carries is broken.
    """
    name = name or name_of(source)
    content = read_associated_files(source, name).get(JSON_NAME)
    if content is None:
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EdgeError(f"{JSON_NAME} in {name} is no JSON ({error}); quantize the model again") from error
    return ModelMetadata.from_json(document, f"{JSON_NAME} in {name}")


def read_labels(
    source: str | Path | bytes, name: str | None = None, labels_file: str = ""
) -> tuple[str, ...] | None:
    """Return the labels that the .tflite carries, ours or of any tool that wrote standard metadata; None
    without.

    labels_file: the file that holds them, as ``label_file`` found it; else ``labels.txt``, or the first called so.
    """
    name = name or name_of(source)
    files = read_associated_files(source, name, labels_file)
    for member in (labels_file, LABELS_NAME, *(member for member in files if member != JSON_NAME)):
        if member in files:
            lines = files[member].decode("utf-8-sig", "replace").splitlines()
            labels = tuple(line.strip() for line in lines if line.strip())
            return checked_labels(labels, f"{printable(member, 60)} in {name}")
    return None


def weights_sha256(data: bytes) -> str:
    """Return the SHA-256 of graph and weights, the part of a .tflite before the appended zip."""
    return hashlib.sha256(graph_bytes(data)).hexdigest()
