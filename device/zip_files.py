"""Zip files from outside: what reading a damaged one raises, and those that list too many files."""

import lzma
import os
import zipfile
import zlib
from typing import BinaryIO

MAX_DIRECTORY_BYTES = 64 << 10  # some 600 files
LARGE_ARCHIVE = b"PK\6\7"
END_OF_DIRECTORY, LONGEST_END = b"PK\5\6", 22 + (1 << 16)  # a zip ends with this record and a comment
# What a damaged zip raises, from its directory to a member's compressed bytes.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # also what zipfile does not know, and what is nested too deep to be read
    ValueError,
    OverflowError,
)


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
