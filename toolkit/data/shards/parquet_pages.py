"""How much a parquet file unpacks to, by the headers of its pages: those bind whoever unpacks, its footer does not.

A header is a struct in Thrift's compact protocol (github.com/apache/parquet-format, PageHeader;
github.com/apache/thrift, doc/specs/thrift-compact-protocol.md).
"""

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow.parquet

UNPACKED, PACKED = 2, 3  # numbers of PageHeader's fields: sizes in bytes
TRUE, FALSE, INTEGERS, BINARY, STRUCT = 1, 2, (4, 5, 6), 8, 12  # kinds of fields that a page's header has
DEEPEST = 8


def unpacked_bytes(path: Path, metadata: "pyarrow.parquet.FileMetaData") -> int:
    """Return the bytes that all pages of the file at ``path`` unpack to; ValueError where a header is damaged.

    >>> unpacked_bytes(path, pyarrow.parquet.ParquetFile(path).metadata)
    """
    total = 0
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(number)
                at = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=0)
                end = at + chunk.total_compressed_size
                while 0 < at < end:
                    fields, at = _struct(held, at)
                    sizes = [fields.get(name, -1) for name in (UNPACKED, PACKED)]
                    if min(sizes) < 0:
                        raise ValueError("a page has no size")
                    total, at = total + sizes[0], at + sizes[1]
    return total


def _struct(held: mmap.mmap, at: int, depth: int = 0) -> tuple[dict[int, int], int]:
    """Return the numbers in the struct at ``at`` by their fields, and where it ends."""
    fields: dict[int, int] = {}
    field = 0
    while (head := _byte(held, at)) and depth <= DEEPEST:
        at, kind = at + 1, head & 15
        if head >> 4:
            field += head >> 4
        else:
            field, at = _integer(held, at)
        if kind in INTEGERS:
            fields[field], at = _integer(held, at)
        elif kind == BINARY:
            length, at = _varint(held, at)
            at += length
        elif kind == STRUCT:
            _, at = _struct(held, at, depth + 1)
        elif kind not in (TRUE, FALSE):
            raise ValueError(f"a page's header has a field of kind {kind}")
    if head:
        raise ValueError("a page's header is nested too deep")
    return fields, at + 1


def _integer(held: mmap.mmap, at: int) -> tuple[int, int]:
    value, at = _varint(held, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(held: mmap.mmap, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = _byte(held, at)
        at, value = at + 1, value | (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a page's header has a number without end")


def _byte(held: mmap.mmap, at: int) -> int:
    if at >= len(held):
        raise ValueError("a page leads past the end of the file")
    return held[at]
