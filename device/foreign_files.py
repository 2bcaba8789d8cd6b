"""Files that go by the name of another kind: what they are, by how they begin, and the way out."""

from collections.abc import Iterable

# From which byte, the bytes, what it is, what to do.
Kind = tuple[int, bytes, str, str]

BEHIND_A_LINK = "download the file behind the link"
NOT_FETCHED: tuple[Kind, ...] = (
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself",
        "run 'git lfs pull' where it came from",
    ),
    (0, b"<!DOCTYPE", "a web page, not the file itself", BEHIND_A_LINK),
    (0, b"<html", "a web page, not the file itself", BEHIND_A_LINK),
)
OF_TEXT = bytes({*b"\t\n\f\r\x1b", *range(32, 127), *range(128, 256)})
UNPACK = "unpack it first"
PACKED: tuple[Kind, ...] = (
    (0, b"\x1f\x8b", "a gzip archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ", "an xz archive", UNPACK),
    (0, b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (0, b"Rar!", "a RAR archive", UNPACK),
)


def pickles(what: str, way_out: str) -> tuple[Kind, ...]:
    """Return the kinds of a pickle, protocols 2 to 5."""
    return tuple((0, bytes((0x80, protocol)), what, way_out) for protocol in range(2, 6))


def why_foreign(start: bytes | memoryview, kinds: Iterable[Kind]) -> str:
    """Return 'WHAT; WAY OUT' of the first of ``kinds`` that a file which begins with ``start`` is of, else ''.

    >>> why_foreign(b"<html><head>", NOT_FETCHED)
    'a web page, not the file itself; download the file behind the link'
    """
    for position, expected, what, way_out in kinds:
        if bytes(start[position : position + len(expected)]) == expected:
            return f"{what}; {way_out}"
    return ""


def is_onnx(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` is an ONNX model.

    That has no signature; its first field is a small version number, its second the name of the writer.
    """
    return start[:1] == b"\x08" and (b"pytorch" in start or b"onnx" in start)


def is_text(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` is a text: no control characters but those of lines and
    terminals. Not for formats whose numbers may all be large, such as raw pixels.

    >>> is_text(b"happy\\nsad\\n"), is_text(b"\\x89PNG\\r\\n\\x1a\\n")
    (True, False)
    """
    return not start.translate(None, OF_TEXT)
