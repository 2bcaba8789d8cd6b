"""Lists of names alone beside class folders, train.txt and test.txt: the split of each picture that they name."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

from device.errors import EdgeError
from device.text import a_few, counted
from toolkit.data.readers.image_files import PICTURE_NAMES
from toolkit.data.readers.layout import ImageFile
from toolkit.data.readers.list_entries import LIST_SUFFIXES, LONGEST_LINE
from toolkit.data.readers.split_names import split_within
from toolkit.data.readers.walk import files_under

TRIED = 100  # lines, of which one at least names a picture


def with_listed_splits(root: Path, files: list[ImageFile]) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return ``files``, found under ``root``, each in the split whose list names it, and what to say of that.

    A list is a text file whose name tells a split and each of whose lines is one of the pictures, with its folder and
    suffix or without (Food-101's 'happy/1005649'). Those that no list names stay where they are. Nothing changes where
    the folders tell splits. EdgeError for a picture in the lists of two splits.
    """
    if {file.split for file in files} != {"train"}:
        return files, ()
    by_name = _by_name(root, files)
    told: dict[Path, tuple[str, Path]] = {}
    lists, missing = [], 0
    for path, split in _lists(root):
        if not any(by_name.get(_plain(line)) for line in islice(_lines(path), TRIED)):
            continue  # a text of something else
        named = [by_name.get(_plain(line)) for line in _lines(path)]
        missing += named.count(None)
        lists.append(str(path.relative_to(root)))
        for picture in filter(None, named):
            before, other = told.setdefault(picture, (split, path))
            if before != split:
                raise EdgeError(
                    f"{picture.relative_to(root)} is in {other.relative_to(root)} and in {lists[-1]}; expected each "
                    "picture in the list of one split; take it out of one of them"
                )
    if not told:
        return files, ()
    notes = [f"the splits are read from {a_few(lists)}"]
    if left := len(files) - len(told):
        notes.append(f"{counted(left, 'picture')} in none of these lists, read as train")
    if missing:
        notes.append(f"{counted(missing, 'name')} in these lists, of no picture or of several, left out")
    return [replace(file, split=told[file.path][0]) if file.path in told else file for file in files], tuple(
        notes
    )


def _lists(root: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(files_under(root)):
        split = split_within(path.stem) if path.suffix.lower() in LIST_SUFFIXES else ""
        if split and path.is_file():
            yield path, split


def _by_name(root: Path, files: list[ImageFile]) -> dict[str, Path | None]:
    """Return each of ``files`` by what a list may call it: its path from any folder down, None for what two are called
    so."""
    found: dict[str, Path | None] = {}
    for file in files:
        parts = file.path.relative_to(root).parts
        for start in range(len(parts)):
            name = _plain("/".join(parts[start:]))
            found[name] = None if name in found else file.path
    return found


def _plain(name: str) -> str:
    """Return a path as lists are compared with: its folders by slashes, in small letters, without suffix."""
    path = PurePosixPath(name.strip().replace("\\", "/").removeprefix("./").lstrip("/").lower())
    return str(path.with_suffix("") if path.suffix in PICTURE_NAMES else path)


def _lines(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8-sig", errors="replace") as handle:
        lines = iter(lambda: handle.readline(LONGEST_LINE), "")
        yield from (line for line in lines if line.strip())
