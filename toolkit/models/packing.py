"""Putting a model's description into its ``.tflite``: the standard TFLite metadata and ``fer_edge.json``."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import numpy as np

from device.model.file.associated_files import JSON_NAME, LABELS_NAME, graph_bytes
from device.model.file.metadata import STANDARD_NAME, ModelMetadata
from toolkit.models.standard_metadata import image_classifier_metadata
from toolkit.models.tflite_object import packed, unpacked


def pack_metadata(tflite_bytes: bytes, metadata: ModelMetadata) -> bytes:
    """Return the model with ``metadata`` inside, in both forms; what it carried before is replaced.

    ``weights_sha256`` is filled in here.
    """
    from ai_edge_litert import schema_py_generated as schema

    standard = image_classifier_metadata(
        f"Facial expression of a face crop; {metadata.recipe or 'float'}; written by fer-edge", metadata.input
    )
    graph = graph_bytes(tflite_bytes)
    model = unpacked(graph)
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
    graph = packed(model)
    metadata = replace(metadata, weights_sha256=hashlib.sha256(graph).hexdigest())
    whole = io.BytesIO(graph)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as archive:
        _add_member(archive, LABELS_NAME, "\n".join(metadata.labels) + "\n")
        _add_member(archive, JSON_NAME, json.dumps(metadata.to_json(), indent=1))
    return whole.getvalue()


def _add_member(archive: zipfile.ZipFile, name: str, content: str) -> None:
    # A fixed date: the same model and metadata give the same bytes.
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
