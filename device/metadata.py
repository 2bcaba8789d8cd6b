"""What a model file says of itself: labels, input contract, provenance, measured accuracy.

Two forms travel in one .tflite: the standard TFLite metadata (a flatbuffer in the buffer TFLITE_METADATA,
with ``labels.txt`` appended as a zip member, so that other tools find the labels), and ``fer_edge.json``, a
second zip member with everything else. Python's ``zipfile`` opens the .tflite as it is.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

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


def pack_metadata(tflite_bytes: bytes, metadata: ModelMetadata) -> bytes:
    """Return the model with ``metadata`` inside, in both forms; what it carried before is replaced.

    ``weights_sha256`` is filled in here.
    """
    from ai_edge_litert import schema_py_generated as schema

    from device.standard_metadata import image_classifier_metadata

    contract = metadata.input
    standard = image_classifier_metadata(
        name="facial expression",
        description=f"Facial expression of a face crop; {metadata.recipe or 'float'}; written by fer-edge",
        size_wh=(contract.width, contract.height),
        channels=contract.channels,
        mean=0.0,
        std=1 / contract.pixel_scale,
        labels_file=LABELS_NAME,
        json_file=JSON_NAME,
    )
    graph = graph_bytes(tflite_bytes)
    model = schema.ModelT.InitFromPackedBuf(graph, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # some writers put constants behind the flatbuffer: bring them in
            buffer.data = np.frombuffer(graph[buffer.offset : buffer.offset + buffer.size], np.uint8)
            buffer.offset = buffer.size = 0
    entry = next((entry for entry in model.metadata or [] if entry.name == STANDARD_NAME.encode()), None)
    if entry is None:
        entry = schema.MetadataT(STANDARD_NAME, len(model.buffers))
        model.metadata = [*(model.metadata or []), entry]
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(standard, np.uint8)
    graph = _serialize(model)
    metadata = replace(metadata, weights_sha256=hashlib.sha256(graph).hexdigest())
    packed = io.BytesIO(graph)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        _add_member(archive, LABELS_NAME, "\n".join(metadata.labels) + "\n")
        _add_member(archive, JSON_NAME, json.dumps(metadata.to_json(), indent=1))
    return packed.getvalue()


def _serialize(model) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _add_member(archive: zipfile.ZipFile, name: str, content: str) -> None:
    # A fixed date: the same model and metadata give the same bytes.
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


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
