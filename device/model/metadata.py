"""What a model file says of itself: labels, input contract, provenance, measured accuracy.

Two forms travel in one .tflite: the standard TFLite metadata (a flatbuffer in the buffer TFLITE_METADATA,
with ``labels.txt`` appended as a zip member, so that other tools find the labels), and ``fer_edge.json``, a
second zip member with everything else. Python's ``zipfile`` opens the .tflite as it is.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from device.errors import EdgeError

SCHEMA_VERSION = 1
JSON_NAME = "fer_edge.json"
LABELS_NAME = "labels.txt"
STANDARD_NAME = "TFLITE_METADATA"
MAX_MEMBER_BYTES = 1 << 20


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

    ``kept_float``: the layers that stayed in float32; ``equalized``: channels made alike first;
    ``representative``: {count, sha256, source} of the faces that set the ranges; ``accuracy``: {float,
    quantized}, each {accuracy, n, interval, data}; ``weights_sha256``: of the file's bytes before the
    appended zip (graph and weights).
    """

    labels: tuple[str, ...]
    input: InputContract
    crop_margin: float = 1.22
    recipe: str = ""
    kept_float: tuple[str, ...] = ()
    equalized: bool = False
    representative: dict | None = None
    accuracy: dict | None = None
    versions: dict = field(default_factory=dict)
    weights_sha256: str = ""
    created: str = ""

    def to_json(self) -> dict:
        document = asdict(self)
        document["labels"], document["kept_float"] = list(self.labels), list(self.kept_float)
        return {"schema_version": SCHEMA_VERSION, **document}

    @classmethod
    def from_json(cls, document: dict) -> "ModelMetadata":
        """Build from ``to_json``'s document; fields of later versions are passed over. EdgeError if it does
        not fit.
        """
        try:
            known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
            contract = {
                name: known["input"][name]
                for name in InputContract.__dataclass_fields__
                if name in known["input"]
            }
            labels = tuple(str(label) for label in known["labels"])
            kept_float = tuple(known.get("kept_float", ()))
            return cls(
                **{**known, "labels": labels, "kept_float": kept_float, "input": InputContract(**contract)}
            )
        except (KeyError, TypeError) as error:
            raise EdgeError(
                f"{JSON_NAME} in the model does not fit: {error}; quantize the model again"
            ) from error


def read_metadata(source: str | Path | bytes, name: str | None = None) -> ModelMetadata | None:
    """Return what a .tflite, given by path or as bytes, says of itself, or None where it carries no
    ``fer_edge.json``.

    Raises EdgeError, calling the file ``name``, if it cannot be read or what it carries is broken.
    """
    name = name or _name_of(source)
    content = read_associated_files(source, name).get(JSON_NAME)
    if content is None:
        return None
    try:
        return ModelMetadata.from_json(json.loads(content))
    except ValueError as error:
        raise EdgeError(f"{JSON_NAME} in {name} is no JSON ({error}); quantize the model again") from error


def read_labels(source: str | Path | bytes, name: str | None = None) -> tuple[str, ...] | None:
    """Return the labels that the .tflite carries, ours or of any tool that wrote standard metadata; None
    without.
    """
    files = read_associated_files(source, name)
    candidates = [LABELS_NAME, *(member for member in files if member.endswith(".txt") and "label" in member)]
    for member in candidates:
        if member in files:
            lines = files[member].decode("utf-8", "replace").splitlines()
            return tuple(line.strip() for line in lines if line.strip())
    return None


def _name_of(source: str | Path | bytes) -> str:
    return "the model" if isinstance(source, bytes) else str(source)


def read_associated_files(source: str | Path | bytes, name: str | None = None) -> dict[str, bytes]:
    """Return the files appended to a .tflite, by name; empty where there are none. EdgeError if one is
    damaged.
    """
    name = name or _name_of(source)
    try:
        handle = io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")  # noqa: SIM115
        with handle:
            if not zipfile.is_zipfile(handle):
                return {}
            with zipfile.ZipFile(handle) as archive:
                members = [info for info in archive.infolist() if info.file_size <= MAX_MEMBER_BYTES]
                return {info.filename: archive.read(info) for info in members}
    except OSError as error:
        raise EdgeError(f"cannot read the model {name}: {error.strerror}; name a .tflite file") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise EdgeError(
            f"the files inside {name} are damaged ({error}); copy or quantize it again"
        ) from error


def graph_bytes(data: bytes) -> bytes:
    """Return the part of a .tflite before the appended zip: graph and weights."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data[: min((info.header_offset for info in archive.infolist()), default=len(data))]


def weights_sha256(data: bytes) -> str:
    """Return the SHA-256 of graph and weights, the part of a .tflite before the appended zip."""
    return hashlib.sha256(graph_bytes(data)).hexdigest()
