"""Tar files as ``webdataset`` reads them: KEY.jpg, then KEY.cls or KEY.json with the label, one after the other."""

import json
import tarfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath

from device.errors import EdgeError
from toolkit.data.files.image_files import LARGEST_PICTURE_BYTES, PICTURE_NAMES
from toolkit.data.files.table_labels import LABEL_COLUMNS, label_text
from toolkit.data.shards.record import Record

JSON_LABELS = (*LABEL_COLUMNS, "cls")
BLOCK = 512


def read_tar(path: Path) -> tuple[tuple[str, ...], Iterator[Record]]:
    """Return no names, which tar files do not declare, and the samples of ``path``, read as they are asked for.

    Nothing is unpacked and one sample is in memory at a time. Asking raises EdgeError for another kind of file or a
    damaged one, for a picture without a label, and for what no data set holds: links, names that lead elsewhere,
    members too large.
    """
    return (), samples_of(path)


def samples_of(path: Path) -> Iterator[Record]:
    """Yield the samples that hold a picture or a label."""
    for key, parts in groupby(members_of(path), lambda part: key_of(part[0])[0]):
        content: bytes | None = None
        names: set[str] = set()
        label, shown = "", key
        for name, held in parts:
            ending = key_of(name)[1]
            if ending in PICTURE_NAMES and content is None:
                content, shown = held, name
            elif ending in (".cls", ".json"):
                label = label_in(held, ending) or label
            if name in names:
                raise EdgeError(
                    f"{path}: {name} stands in it twice, one after the other; expected a name of its own for each "
                    "sample; write the file again"
                )
            names.add(name)
        if label:
            yield Record.of(f"{path.name}: {shown}", label, content)
        elif content is not None:
            raise EdgeError(
                f"{path}: {shown} has no label; expected {key}.cls (a number from 0 up or a name) or {key}.json "
                "(its 'label') right beside it; add it or take the picture out, or, where folders tell the "
                "classes, unpack the file and name its folder"
            )


def key_of(name: str) -> tuple[str, str]:
    """Return what the files of one sample share, folders and name up to its first dot, and the last ending."""
    base = PurePosixPath(name)
    first, dot, _ = base.name.partition(".")
    return str(base.with_name(first)) if dot and first else name, base.suffix.lower()


def label_in(held: bytes, ending: str) -> str:
    """Return the label in the bytes of a .cls or .json, or ''."""
    text = held.decode("utf-8", "replace").strip()
    if ending == ".cls":
        return label_text(text)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    lowered = {str(key).lower(): value for key, value in said.items()} if isinstance(said, dict) else {}
    return next(filter(None, (label_text(lowered[key]) for key in JSON_LABELS if key in lowered)), "")


def members_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file in a tar, in its order, without what is hidden."""
    try:
        with tarfile.open(path, "r:") as tar:
            end = 0
            while (member := tar.next()) is not None:
                if member.size < 0 or tar.offset <= end:
                    raise tarfile.ReadError(f"{member.name[:60]!r} has a size below 0")
                end, tar.members = tar.offset, []  # type: ignore[attr-defined]  # else it keeps all it has seen
                if member.isdir() or PurePosixPath(member.name).name.startswith("."):
                    continue
                refuse_hostile(path, member)
                held = tar.extractfile(member)
                yield member.name, held.read() if held else b""
            refuse_damaged(path, tar.offset)
    except (
        tarfile.TarError,
        OSError,
        EOFError,
        ValueError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise EdgeError(f"cannot read {path} as a tar file: {reason}; fetch or write it again") from error


def refuse_hostile(path: Path, member: tarfile.TarInfo) -> None:
    """Raise EdgeError for a member that no data set holds."""
    name = PurePosixPath(member.name)
    what = ""
    if member.islnk() or member.issym():
        what = f"is a link to {member.linkname[:60]!r}"
    elif not member.isfile():
        what = "is a device or a pipe"
    elif name.is_absolute() or ".." in name.parts:
        what = "leads out of its folder"
    elif member.size > LARGEST_PICTURE_BYTES:
        what = f"has {member.size / 2**20:,.0f} MiB"
    if what:
        raise EdgeError(
            f"{path}: {member.name[:60]!r} {what}; expected pictures and labels, plain files of at most "
            f"{LARGEST_PICTURE_BYTES // 2**20} MiB; take it out, or leave this file alone if it is not yours"
        )


def refuse_damaged(path: Path, offset: int) -> None:
    """Raise EdgeError unless a tar that was read up to ``offset`` ends there: tarfile takes any damage for its end."""
    with open(path, "rb") as handle:
        handle.seek(offset)
        block = handle.read(BLOCK)
    if block.strip(b"\0") or len(block) not in (0, BLOCK):
        raise EdgeError(f"{path} is damaged at byte {offset:,}; fetch or write it again")
