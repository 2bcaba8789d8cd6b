"""Files that list pictures and their labels, one format after the other: tables, lines of text, JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.files import read_short
from device.text import a_few
from toolkit.data.class_names import FERPLUS_CLASSES, PUBLISHED_ORDERS
from toolkit.data.ferplus import VOTE_COLUMNS, majority_labels
from toolkit.data.files.image_files import IMAGE_SUFFIXES, PICTURE_NAMES
from toolkit.data.files.split_names import SPLIT_OF_WORD, split_of
from toolkit.data.files.table_labels import (
    LABEL_COLUMNS,
    ROWS_LOOKED_AT,
    USAGE_COLUMNS,
    checked_label,
    column_named,
    label_text,
    usage_column,
)
from toolkit.data.files.text_table import is_table, read_table

PICTURE_COLUMNS = ("image", "filename", "file_name", "file", "path", "pth", "filepath", "file_path", "image_path",
                   "img_path", "image_name", "img_name", "imagename", "name", "picture", "img", "image_id", "id",
                   "subdirectory_filepath", "pixels")  # fmt: skip
# A number of the row as often as the name of a picture.
NUMBER_OR_NAME_COLUMNS = ("id", "image_id", "name")
NUMBERED_FROM_1 = {"list_patition_label.txt": PUBLISHED_ORDERS["RAF-DB"]}
LIST_SUFFIXES = (".txt", ".lst")
LINE = re.compile(
    rf"(\S.*(?:{'|'.join(map(re.escape, PICTURE_NAMES))}))[\s,;]+(\S.*?)\s*",
    re.IGNORECASE,
)
LONGEST_LINE = 4096
LARGEST_JSON = 16 << 20  # 200,000 pictures, a hundred MB in memory
ONE_HOT = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}


@dataclass(frozen=True)
class Entry:
    """A picture as a list names it, its label, and the split that the list tells or ''."""

    picture: str
    label: str
    split: str


def entries_of(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file that lists pictures; nothing for any other file."""
    if is_table(path):
        yield from _of_table(path)
    elif path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        names = NUMBERED_FROM_1.get(path.name)
        for entry in _of_lines(path):
            known = names and entry.label.isdecimal() and 1 <= int(entry.label) <= len(names)
            yield replace(entry, label=names[int(entry.label) - 1]) if names and known else entry
    elif path.suffix.lower() == ".jsonl" and path.is_file():
        yield from _of_json_lines(path)
    elif path.suffix.lower() == ".json" and path.is_file():
        yield from _of_json(path)


def columns_told(table: Path) -> str:
    """Return which columns a table has that lists no pictures, and which were expected."""
    header = [name.strip() for name in next(read_table(table), [])]
    lowered = [name.lower() for name in header]
    if None not in (column_named(lowered, PICTURE_COLUMNS), column_named(lowered, LABEL_COLUMNS)):
        return "lists no picture; expected a row for each"
    names = ", ".join(name[:20] for name in header[:6])
    return f"{f'has the columns {names}' if names else 'is empty'}; expected image and label (and split)"


def _of_table(path: Path) -> Iterator[Entry]:
    rows = read_table(path)
    first, some = next(rows, []), list(islice(rows, ROWS_LOOKED_AT))
    rows = chain(some, rows)
    names = [name.strip().lower() for name in first]
    label = column_named(names, LABEL_COLUMNS)
    picture = picture_column(names, some[0] if some else [], label)
    usage = usage_column(names, some, {picture, label})
    if picture is None:
        yield from _without_header(path, first)
        return
    others = [at for at in range(len(names)) if at not in (picture, usage) and names[at]]
    for number, row in enumerate(rows, start=1):
        if len(row) < len(names):
            raise EdgeError(f"{path}, row {number}: expected {len(names)} columns; received {len(row)}")
        where = f"{path}, row {number}"
        if label is None and number == 1 and _held(row, others) is None:
            return  # a table of something else
        if names[picture] == "pixels" and row[picture].replace(" ", "").isdecimal():
            return  # a table of faces
        text = row[label] if label is not None else _one_hot(names, row, others, where)
        split = _checked_split(row[usage].strip(), where) if usage is not None else ""
        yield Entry(row[picture], checked_label(text, where), split)


def _without_header(path: Path, first: list[str]) -> Iterator[Entry]:
    """Yield the entries of a table whose ``first`` row is a picture with its label or votes already; else nothing."""
    if _are_votes(first):
        yield from _of_votes(path)
    elif _lists_pictures(first):
        for number, (name, *told) in enumerate(read_table(path), start=1):
            if any(cell.strip() for cell in (name, *told)):
                yield _of_line(name.strip(), ",".join(told).strip(), f"{path}, row {number}")


def picture_column(names: list[str], row: list[str], label: int | None) -> int | None:
    """Return the position of the column that names pictures, by its name among a header's ``names`` or, where none is
    called so or that may be a number, as the one in which the first ``row`` has a picture's suffix; or None."""
    named = column_named(names, PICTURE_COLUMNS)
    seen = [
        at
        for at, cell in enumerate(row[: len(names)])
        if at != label and cell.strip().lower().endswith(PICTURE_NAMES)
    ]
    may_be_a_number = (
        named is not None and names[named].replace(" ", "_") in NUMBER_OR_NAME_COLUMNS and named not in seen
    )
    unnamed = named is None and label is not None
    return seen[0] if seen and (unnamed or may_be_a_number) else named


def _lists_pictures(row: list[str]) -> bool:
    """Return whether a row is a picture and its label, with its split or not, and no numbers of something else."""
    picture, *told = (cell.strip() for cell in row) if row else ("",)
    of_a_picture = picture.lower().endswith(PICTURE_NAMES) and 1 <= len(told) <= 2
    return of_a_picture and bool(label_text(told[0])) and (len(told) == 1 or bool(split_of(told[1])))


def _are_votes(row: list[str]) -> bool:
    """Return whether a row is one of FER+'s label.csv: a picture, its box and ten votes."""
    return (
        len(row) == 2 + len(VOTE_COLUMNS)
        and row[0].strip().lower().endswith(IMAGE_SUFFIXES)
        and all(vote.strip().isdecimal() and len(vote.strip()) < 4 for vote in row[2:])
    )


def _of_votes(path: Path) -> Iterator[Entry]:
    """Yield the entries of FER+'s label.csv under the labels that most of the taggers name; others are left out."""
    for number, row in enumerate(read_table(path), start=1):
        if not _are_votes(row):
            raise EdgeError(
                f"{path}, row {number}: expected a picture, its box and {len(VOTE_COLUMNS)} votes"
            )
        (label,) = majority_labels(np.array([row[2:]], np.int64))
        if label >= 0:
            yield Entry(row[0], FERPLUS_CLASSES[label], "")


def _held(row: list[str], columns: list[int]) -> list[int] | None:
    """Return what ``columns`` of a row hold where each is 0 or 1, or None."""
    words = [row[at].strip().lower() for at in columns]
    return [ONE_HOT[word] for word in words] if len(words) > 1 and ONE_HOT.keys() >= set(words) else None


def _one_hot(names: list[str], row: list[str], columns: list[int], where: str) -> str:
    """Return the name of the one of ``columns`` that holds 1 where all others hold 0; EdgeError for another row."""
    held = _held(row, columns)
    if held is None or sum(held) != 1:
        received = ", ".join(row[at].strip()[:10] for at in columns)[:60]
        raise EdgeError(
            f"{where}: expected 1 in the column of its class, one of {a_few([names[at] for at in columns])}, and 0 in "
            f"the others; received {received}; correct or remove the row"
        )
    return names[columns[held.index(1)]]


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a text, each of at most LONGEST_LINE characters, with their ends."""
    with open(path, encoding="utf-8-sig", errors="replace") as handle:
        yield from iter(lambda: handle.readline(LONGEST_LINE), "")


def _of_lines(path: Path) -> Iterator[Entry]:
    """Yield the entries of a text file with a picture and its label a line; nothing where the first is none."""
    for number, line in enumerate(lines_of(path), start=1):
        match = LINE.fullmatch(line)
        if match:
            yield _of_line(match[1], match[2], f"{path}, line {number}")
        elif number == 1:
            return


def _of_line(picture: str, text: str, where: str) -> Entry:
    """Return the entry of a line, ``text`` what stands after the picture: its label, with a split behind it or not."""
    label, *others = re.split(r"\s*[,;\t]\s*", text)
    words = label.split()
    if not others and len(words) > 1 and words[-1].lower() in SPLIT_OF_WORD:
        label, others = " ".join(words[:-1]), words[-1:]
    if len(others) > 1 or sum(map(_is_number, words)) > 1:
        raise EdgeError(
            f"{where}: expected a picture, its label and no more than its split; received '{text[:40]}'; write a "
            "labels.csv with the columns image and label; where the numbers are boxes, cut the faces out by them, or "
            "name each photograph once, with the label of its largest face, and let 'toolkit data crop' cut that out"
        )
    return Entry(picture, checked_label(label, where), _checked_split("".join(others), where))


def _of_json_lines(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file with a JSON object a line; nothing where the first has no picture or no label."""
    for number, line in enumerate(lines_of(path), start=1):
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        entry = _of_object(said, f"{path}, line {number}")
        if entry is not None:
            yield entry
        elif number == 1:
            return
        elif line.strip():
            raise EdgeError(
                f"{path}, line {number}: expected file_name and label; received {line.strip()[:40]!r}"
            )


def _of_json(path: Path) -> Iterator[Entry]:
    """Yield the entries of a JSON document, an array of objects or labels by the names of their pictures; nothing where
    it is another document."""
    try:
        said = json.loads(read_short(path, LARGEST_JSON))
    except (OSError, ValueError, RecursionError):
        return  # of another kind, or told by who reads it as data
    if isinstance(said, dict) and said and next(iter(said)).lower().endswith(PICTURE_NAMES):
        said = [{"file_name": picture, "label": label} for picture, label in said.items()]
    for number, one in enumerate(said if isinstance(said, list) else [], start=1):
        try:
            entry = _of_object(one, f"{path}, entry {number}")
        except EdgeError:
            if number == 1:  # what stands beside a picture there is no label
                return
            raise
        if entry is not None:
            yield entry
        elif number == 1:
            return
        else:
            raise EdgeError(
                f"{path}, entry {number}: expected file_name and label; received {str(one)[:40]!r}"
            )


def _of_object(said: object, where: str) -> Entry | None:
    """Return the entry of a JSON object; None for what is none, or has no picture or no label."""
    told = {**said, **_of_task(said)} if isinstance(said, dict) else {}
    held = {str(name).lower(): value for name, value in told.items()}
    names, row = list(held), [value if isinstance(value, str) else "" for value in held.values()]
    at_label = column_named(names, LABEL_COLUMNS)
    at_picture = picture_column(names, row, at_label)
    at_usage = column_named(names, USAGE_COLUMNS)
    picture, label, usage = (
        held[names[at]] if at is not None else "" for at in (at_picture, at_label, at_usage)
    )
    if not isinstance(picture, str) or not picture or label == "":
        return None
    return Entry(picture, checked_label(label, where), _checked_split(str(usage or ""), where))


def _of_task(said: dict[str, Any]) -> dict[str, Any]:
    """Return picture and label of a task as Label Studio's full export has them; nothing for another object."""
    try:
        told = [one for one in said["annotations"] if not one.get("was_cancelled")]
        ((choice,), data) = told[0]["result"][0]["value"]["choices"], said["data"]
        facts = {key: data[key] for key in data if column_named([key.lower()], LABEL_COLUMNS) is None}
        return {**facts, "choice": choice}
    except (LookupError, TypeError, ValueError, AttributeError):
        return {}


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _checked_split(text: str, where: str) -> str:
    """Return the split that a list tells of a picture, '' where it tells none."""
    split = split_of(text)
    if text and not split:
        raise EdgeError(
            f"{where}: expected the split train, validation or test; received '{text[:20]}'; correct it, or call the "
            "column otherwise"
        )
    return split
