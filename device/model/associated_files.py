"""The files appended to a ``.tflite`` as a zip: labels and what fer-edge says of the model."""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from device.errors import EdgeError
from device.text import one_line

JSON_NAME = "fer_edge.json"
LABELS_NAME = "labels.txt"
MAX_MEMBER_BYTES = 1 << 20
MOST_MEMBERS = 8
MAX_DIRECTORY_BYTES = 64 << 10  # some 600 files
LARGE_ARCHIVE = b"PK\6\7"
END_OF_DIRECTORY, LONGEST_END = b"PK\5\6", 22 + (1 << 16)  # a zip ends with this record and a comment
# What a damaged zip raises, from its directory to a member's compressed bytes.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def read_associated_files(source: str | Path | bytes, name: str | None = None) -> dict[str, bytes]:
    """Return ``fer_edge.json`` and the label files appended to a .tflite, by name; empty where there are none.

    Other members are not looked at. Raises EdgeError, calling the file ``name``, if it cannot be read, a member is
    damaged, larger than 1 MB, or one of more than 8, and for a list of more than some 600 members.
    """
    name = name or name_of(source)
    try:
        with _archive(source) as archive:
            if archive is None:
                return {}
            members = [info for info in archive.infolist() if _is_ours(info.filename)]
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


def refuse_many(handle: BinaryIO) -> None:
    """Raise ValueError, before it is read, where the zip's directory is longer than one of a few files."""
    handle.seek(max(0, handle.seek(0, os.SEEK_END) - LONGEST_END))
    end = handle.read()
    place = end.rfind(END_OF_DIRECTORY)
    size = int.from_bytes(end[place + 12 : place + 16], "little")
    if end[max(0, place - 20) : place].startswith(LARGE_ARCHIVE):
        raise ValueError("their list is that of a zip over 4 GB")
    if size > MAX_DIRECTORY_BYTES:
        raise ValueError(f"their list has {size} bytes, expected {MAX_DIRECTORY_BYTES} at most")
    handle.seek(0)


def _is_ours(member: str) -> bool:
    return member in (JSON_NAME, LABELS_NAME) or (member.endswith(".txt") and "label" in member)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes; ValueError, before anything is decompressed, where it could be a bomb."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename!r} is compressed by method {info.compress_type}, expected deflate")
    if info.file_size > MAX_MEMBER_BYTES:
        raise ValueError(
            f"{info.filename!r} holds {info.file_size} bytes, expected {MAX_MEMBER_BYTES} at most"
        )
    return archive.read(info)
