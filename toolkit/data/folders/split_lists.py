"""Lists beside class folders that tell the split of each picture: train.txt and test.txt, or a column of splits."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from device.errors import EdgeError
from device.files import read_short
from device.text import a_few, counted
from toolkit.data.files.image_files import PICTURE_NAMES
from toolkit.data.files.split_names import split_of, split_within
from toolkit.data.files.table_labels import ROWS_LOOKED_AT, usage_column
from toolkit.data.files.text_table import is_table, read_table
from toolkit.data.files.walk import files_under
from toolkit.data.folders.found_pictures import composed
from toolkit.data.folders.layout import ImageFile
from toolkit.data.folders.list_entries import (
    LARGEST_JSON,
    LINE,
    LIST_SUFFIXES,
    entries_of,
    lines_of,
    picture_column,
)

TRIED = 100  # names, of which one at least is that of a picture


def with_listed_splits(root: Path, files: list[ImageFile]) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return ``files``, found under ``root``, each in the split whose list names it, and what to say of that.

    A list is a text file or a table whose name tells a split, or a table or JSON file that tells the split of each
    picture. It names pictures with folders and suffix or without (Food-101's 'happy/1005649'), or by whole paths of
    another machine. Those that no list names stay where they are. Nothing changes where the folders tell splits.
    EdgeError for a picture in two splits.
    """
    if {file.split for file in files} != {"train"}:
        return files, ()
    told: dict[Path, tuple[str, Path]] = {}
    lists: list[Path] = []
    missing = 0
    for path, named in _lists_under(root, _by_name(root, files)):
        missing += sum(picture is None for picture, _ in named)
        lists.append(path)
        for picture, split in named:
            if picture is None:
                continue
            before, other = told.setdefault(picture, (split, path))
            if before != split and _several_ways(root):
                return files, (
                    f"lists such as {path.relative_to(root)} tell several ways to split and are not used",
                )
            if before != split:
                raise EdgeError(
                    f"{picture.relative_to(root)} is {before} in {other.relative_to(root)} and {split} in "
                    f"{path.relative_to(root)}; expected each picture in one split; take it out of one of them"
                )
    if not told:
        return files, ()
    notes = [f"the splits are read from {a_few([str(path.relative_to(root)) for path in lists])}"]
    if left := len(files) - len(told):
        notes.append(f"{counted(left, 'picture')} in none of these lists, read as train")
    if missing:
        notes.append(f"{counted(missing, 'name')} in these lists, of no picture or of several, left out")
    return [replace(file, split=told[file.path][0]) if file.path in told else file for file in files], tuple(
        notes
    )


def _lists_under(
    root: Path, by_name: dict[str, Path | None]
) -> Iterator[tuple[Path, list[tuple[Path | None, str]]]]:
    """Yield each list under ``root`` and the pictures that it names, None for what is none, each with its split."""
    for path in sorted(files_under(root)):
        if _plain(path.stem) in by_name or not path.is_file():
            continue  # a picture, a file about one, or a pipe
        try:
            if not any(_picture(by_name, name) for name, _ in islice(_named(path), TRIED)):
                continue  # a file of something else
            named = [(_picture(by_name, name), split) for name, split in _named(path)]
        except EdgeError:
            continue  # nobody asked for it
        yield path, named


def _several_ways(root: Path) -> bool:
    """Return whether several lists are called by one split, as those of a cross-validation are: train_fold1.csv."""
    lists = (path for path in files_under(root) if path.suffix.lower() in LIST_SUFFIXES or is_table(path))
    named = [split for path in lists if (split := split_within(path.stem))]
    return len(set(named)) < len(named)


def _named(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of pictures in a file, each with its split; nothing for a file that tells no splits."""
    suffix, split = path.suffix.lower(), split_within(path.name.split(".")[0])
    if suffix in LIST_SUFFIXES and split:
        for line in filter(str.strip, lines_of(path)):
            labelled = LINE.fullmatch(line)
            yield (labelled[1] if labelled else line, split)
    elif is_table(path):
        yield from _of_table(path, split)
    elif suffix == ".jsonl":
        yield from ((entry.picture, entry.split) for entry in entries_of(path) if entry.split)
    elif suffix == ".json":
        yield from _of_json(path)


def _of_table(path: Path, split: str) -> Iterator[tuple[str, str]]:
    rows = read_table(path)
    first = [cell.strip() for cell in next(rows, [])]
    some = list(islice(rows, ROWS_LOOKED_AT))
    names = [name.lower() for name in first]
    picture = picture_column(names, some[0] if some else [], None)
    usage = usage_column(names, some, {picture})
    if picture is None and first and first[0].lower().endswith(PICTURE_NAMES) and split:
        yield first[0], split
        picture = 0
    if picture is None or not (split or usage is not None):
        return
    for row in chain(some, rows):
        told = split_of(row[usage].strip()) if usage is not None and usage < len(row) else split
        if picture < len(row) and told:
            yield row[picture], told


def _of_json(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what an array of objects, or ``{"train": [names], "test": [names]}`` tells."""
    try:
        said = json.loads(read_short(path, LARGEST_JSON))
    except (OSError, ValueError, RecursionError):
        return
    if isinstance(said, dict) and all(map(split_of, said)):
        for word, names in said.items():
            yield from ((name, split_of(word)) for name in _texts(names))
    elif isinstance(said, list):
        yield from ((entry.picture, entry.split) for entry in entries_of(path) if entry.split)


def _texts(names: object) -> list[str]:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


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


def _picture(by_name: dict[str, Path | None], text: str) -> Path | None:
    """Return the picture that a list calls ``text``: of a longer path than ours the end counts, its folder with it."""
    name = _plain(text)
    parts = name.split("/")
    ends = ["/".join(parts[start:]) for start in range(1, len(parts) - 1)]
    return next(filter(None, map(by_name.get, (name, *ends))), None)


def _plain(name: str) -> str:
    """Return a path as lists are compared with: its folders by slashes, composed, in small letters, without suffix."""
    path = PurePosixPath(composed(name).strip().replace("\\", "/").removeprefix("./").lstrip("/").lower())
    return str(path.with_suffix("") if path.suffix in PICTURE_NAMES else path)
