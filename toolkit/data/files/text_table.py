"""A table of text as people save one: commas, semicolons or tabs, UTF-8 or UTF-16, plain, gzipped or zipped."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from device.errors import EdgeError
from device.files import regular_size
from device.text import one_line
from device.zip_files import DAMAGE
from toolkit.data.files.foreign_kinds import why_no_data
from toolkit.data.files.growth import refuse_growth

TABLE_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".csv.zip")
LONGEST_HEADER = 1 << 16
LONGEST_CELL = 1 << 20  # 224x224 pixels in text have 200,000 characters
LONGEST_ROW = 4 << 20
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
TOLD_DELIMITER = re.compile('"?sep=([,;\\t|])"?', re.IGNORECASE)  # a first line for spreadsheets
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def is_table(path: Path) -> bool:
    """Return whether a file goes by the name of a table."""
    return path.name.lower().endswith(TABLE_SUFFIXES)


def most_rows(path: Path, least_bytes: int) -> int:
    """Return how many rows of ``least_bytes`` or more the table can hold at most."""
    lines = returns = size = 0
    with opened(path) as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            lines, returns = lines + block.count(b"\n"), returns + block.count(b"\r")
            size += len(block)
            refuse_growth(path, size)
    return min(max(lines, returns), size // least_bytes) + 1


def read_table(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a table that are not empty, the first of them its header or not.

    Raises EdgeError in one line for a file that is no table, is damaged or cannot be read.
    """
    try:
        with opened(path) as handle:
            start = handle.read(LONGEST_HEADER)
            encoding = "utf-16" if start.startswith(UTF_16) else "utf-8-sig"
            header = (start.decode(encoding, "replace").splitlines() or [""])[0]
            told = TOLD_DELIMITER.fullmatch(header)
            delimiter = told[1] if told else max(",;\t", key=header.count)
            handle.seek(0)
            csv.field_size_limit(LONGEST_CELL)
            with io.TextIOWrapper(handle, encoding, errors="replace", newline="") as text:
                if told:
                    text.readline()
                yield from (row for row in _rows(text, path, delimiter) if row)
    except csv.Error as error:
        raise EdgeError(f"cannot read {path} as CSV: {error}; fetch it again") from error


def _rows(text: TextIO, path: Path, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a text; EdgeError for one of over LONGEST_ROW characters, before memory holds it."""
    room = LONGEST_ROW

    def lines() -> Iterator[str]:
        nonlocal room
        while line := text.readline(room + 1):
            room -= len(line)
            if room < 0:
                raise EdgeError(
                    f"{path} has a row of over {LONGEST_ROW:,} characters; that is no table of faces"
                )
            yield line

    for row in csv.reader(lines(), delimiter=delimiter):
        room = LONGEST_ROW
        yield row


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a table for reading, unpacked; of a zip archive the one table in it."""
    try:
        regular_size(path)
        with ExitStack() as stack:
            handle = stack.enter_context(open(path, "rb"))
            start = handle.read(4)
            handle.seek(0)
            if start.startswith(GZIP) and not path.name.lower().endswith((".tar.gz", ".tgz")):
                yield stack.enter_context(gzip.open(handle))  # type: ignore[misc]
            elif start == ZIP and (name := _only_table(handle)):
                archive = stack.enter_context(zipfile.ZipFile(handle))
                yield stack.enter_context(archive.open(name))  # type: ignore[misc]
            else:
                if why := why_no_data(path):
                    raise EdgeError(f"{path} {why}; expected a fer2013.csv, or a folder of faces")
                yield handle
    except (OSError, *DAMAGE) as error:
        if reason := getattr(error, "strerror", None):
            raise EdgeError(f"cannot read {path}: {reason}; expected a fer2013.csv") from error
        raise EdgeError(f"{path} is a damaged archive ({one_line(error, 100)}); fetch it again") from error


def _only_table(handle: BinaryIO) -> str:
    """Return the name of the one table that a zip archive holds, or ''."""
    with zipfile.ZipFile(handle) as archive:
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
    handle.seek(0)
    return names[0] if len(names) == 1 and is_table(Path(names[0])) else ""
