"""The files appended to a ``.tflite`` as a zip: labels and what fer-edge says of the model."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device.errors import EdgeError
from device.text import one_line
from device.zip_files import DAMAGE, refuse_many

JSON_NAME = "fer_edge.json"
LABELS_NAME = "labels.txt"
MAX_MEMBER_BYTES = 1 << 20
MOST_MEMBERS = 8


def read_associated_files(
    source: str | Path | bytes, name: str | None = None, labels_file: str = ""
) -> dict[str, bytes]:
    """Return ``fer_edge.json`` and the label files appended to a .tflite, by name; empty where there are none.

    labels_file: a file of labels, whatever its name.

    Other members are not looked at. Raises EdgeError, calling the file ``name``, if it cannot be read, a member is
    damaged, larger than 1 MB, or one of more than 8, and for a list of more than some 600 members.
    """
    name = name or name_of(source)
    try:
        with _archive(source) as archive:
            if archive is None:
                return {}
            members = [info for info in archive.infolist() if _is_ours(info.filename, labels_file)]
            if len(members) > MOST_MEMBERS:
                raise ValueError(f"{len(members)} files of labels, expected at most {MOST_MEMBERS}")
            return {info.filename: _member(archive, info) for info in members}
    except DAMAGE as error:
        raise EdgeError(
            f"the files inside {name} are damaged ({one_line(error)}); copy or quantize it again"
        ) from error
    except OSError as error:
        raise EdgeError(f"cannot read the model {name}: {error.strerror}; name a .tflite file") from error


def graph_bytes(data: bytes) -> bytes:
    """Return the part of a .tflite before the appended zip: graph and weights."""
    with _archive(data) as archive:
        if archive is None:
            return data
        return data[: min((info.header_offset for info in archive.infolist()), default=len(data))]


def name_of(source: str | Path | bytes) -> str:
    """Return what an error calls a model given by path or as bytes."""
    return "the model" if isinstance(source, bytes) else str(source)


@contextmanager
def _archive(source: str | Path | bytes) -> Iterator[zipfile.ZipFile | None]:
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as handle:
        if not zipfile.is_zipfile(handle):
            yield None
        else:
            refuse_many(handle)
            with zipfile.ZipFile(handle) as archive:
                yield archive


def _is_ours(member: str, labels_file: str) -> bool:
    return member in (JSON_NAME, LABELS_NAME, labels_file) or (member.endswith(".txt") and "label" in member)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes; ValueError, before anything is decompressed, where it could be a bomb."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename!r} is compressed by method {info.compress_type}, expected deflate")
    if info.file_size > MAX_MEMBER_BYTES:
        raise ValueError(
            f"{info.filename!r} holds {info.file_size} bytes, expected {MAX_MEMBER_BYTES} at most"
        )
    return archive.read(info)
