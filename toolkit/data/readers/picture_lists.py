"""Lists of labels beside pictures: tables and text files that name pictures."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from device.errors import EdgeError
from device.text import a_few
from toolkit.data.class_names import FERPLUS_CLASSES, PUBLISHED_ORDERS, normal_class_name
from toolkit.data.ferplus import VOTE_COLUMNS, majority_labels
from toolkit.data.readers.image_files import IMAGE_SUFFIXES, UNREAD_SUFFIXES
from toolkit.data.readers.layout import ImageFile, Pictures
from toolkit.data.readers.record import label_text
from toolkit.data.readers.split_names import SPLIT_OF_WORD, split_of, split_told
from toolkit.data.readers.table_labels import LABEL_COLUMNS, USAGE_COLUMNS, column_named
from toolkit.data.readers.text_table import is_table, read_table

PICTURE_COLUMNS = ("image", "filename", "file_name", "file", "path", "pth", "filepath", "file_path", "image_path",
                   "img_path", "image_name", "img_name", "imagename", "name", "picture", "img", "image_id", "id",
                   "subdirectory_filepath", "pixels")  # fmt: skip
NUMBERED_FROM_1 = {"list_patition_label.txt": PUBLISHED_ORDERS["RAF-DB"]}
LIST_SUFFIXES = (".txt", ".lst")
LINE = re.compile(
    rf"(\S.*(?:{'|'.join(map(re.escape, (*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)))}))[\s,;]+(\S.*?)\s*",
    re.IGNORECASE,
)
LONGEST_LINE = 4096
ONE_HOT = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
# Kaggle's sample_submission.csv has made-up labels of the pictures to be named.
NO_LABELS = "submission"


@dataclass(frozen=True)
class Entry:
    """A picture as a list names it, its label, and the split that the list tells or ''."""

    picture: str
    label: str
    split: str


def listed_images(pictures: Pictures, only: Path | None = None) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return those of ``pictures`` that lists of labels among them name (``only`` this one), and what to say of it.

    Nothing where there is no such list. Raises EdgeError for a damaged list, an invalid label, or a picture that is
    listed twice in another way.
    """
    if not pictures.paths:
        return [], ()
    root = pictures.root
    found: dict[Path, ImageFile] = {}
    used = []
    lists = [only] if only else sorted(filter(_may_list, root.rglob("*")))
    for path in lists:
        entries = list(entries_of(path))
        told = split_told(path.relative_to(root).with_suffix(""))
        by_picture = [split_told(PurePosixPath(entry.picture).with_suffix("")) for entry in entries]
        own = by_picture if all(by_picture) and not told else [told or "train"] * len(entries)
        for entry, split in zip(entries, own, strict=True):
            picture = pictures.named(entry.picture, path.parent, entry.split or told)
            image = ImageFile(picture, entry.split or split, entry.label)
            _refuse_conflict(path, found.setdefault(picture, image), image)
        used += [str(path.relative_to(root))] if entries else []
    notes = (f"the labels are read from {a_few(used)}", *pictures.left_out(found))
    return sorted(found.values(), key=lambda file: file.path), notes


def _refuse_conflict(source: Path, first: ImageFile, second: ImageFile) -> None:
    """Raise EdgeError where two entries of one picture, the second in ``source``, tell another class or split."""
    told = [(normal_class_name(one.folder_class), one.split) for one in (first, second)]
    if told[0] != told[1]:
        raise EdgeError(
            f"{source}: {second.path.name} is listed as '{told[1][0]}' in {told[1][1]}, and before as '{told[0][0]}' "
            f"in {told[0][1]}; keep one of the two, or name one list of labels"
        )


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


def _may_list(path: Path) -> bool:
    return not path.name.startswith(".") and NO_LABELS not in path.name.lower()


def why_unlisted(root: Path) -> str:
    """Return what is wrong with the first table in ``root`` that lists no pictures, or ''."""
    for path in sorted(filter(is_table, root.iterdir())):
        if not path.name.startswith(".") and not next(entries_of(path), None):
            return f"{path.name} {columns_told(path)}"
    return ""


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
    names = [name.strip().lower() for name in next(rows, [])]
    picture, label = column_named(names, PICTURE_COLUMNS), column_named(names, LABEL_COLUMNS)
    usage = column_named(names, USAGE_COLUMNS)
    if picture is None:
        # A picture and its label a row at once, or its votes, without names of columns.
        yield from _of_votes(path) if _are_votes(names) else _of_lines(path) if len(names) == 2 else ()
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
        yield Entry(row[picture], _checked(text, where), split)


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


def _of_lines(path: Path) -> Iterator[Entry]:
    """Yield the entries of a text file with a picture and its label a line; nothing where the first is none."""
    with open(path, encoding="utf-8-sig", errors="replace") as handle:
        for number, line in enumerate(iter(lambda: handle.readline(LONGEST_LINE), ""), start=1):
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
    return Entry(picture, _checked(label, where), _checked_split("".join(others), where))


def _of_json_lines(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file with a JSON object a line; nothing where the first has no picture or no label."""
    with open(path, encoding="utf-8-sig", errors="replace") as handle:
        for number, line in enumerate(iter(lambda: handle.readline(LONGEST_LINE), ""), start=1):
            where = f"{path}, line {number}"
            try:
                said = json.loads(line)
            except (ValueError, RecursionError):
                said = None
            held = (
                {str(name).lower(): value for name, value in said.items()} if isinstance(said, dict) else {}
            )
            names = list(held)
            picture, label, usage = (
                held[names[at]] if (at := column_named(names, wanted)) is not None else ""
                for wanted in (PICTURE_COLUMNS, LABEL_COLUMNS, USAGE_COLUMNS)
            )
            if isinstance(picture, str) and picture and label != "":
                yield Entry(picture, _checked(label, where), _checked_split(str(usage or ""), where))
            elif number == 1:
                return
            elif line.strip():
                raise EdgeError(f"{where}: expected file_name and label; received {line.strip()[:40]!r}")


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _checked(held: object, where: str) -> str:
    label = label_text(held)
    if not label:
        raise EdgeError(
            f"{where}: expected a label, a number from 0 or a name in UTF-8; received '{str(held)[:20]}'; correct or "
            "remove it"
        )
    return label


def _checked_split(text: str, where: str) -> str:
    """Return the split that a list tells of a picture, '' where it tells none."""
    split = split_of(text)
    if text and not split:
        raise EdgeError(
            f"{where}: expected the split train, validation or test; received '{text[:20]}'; correct it, or call the "
            "column otherwise"
        )
    return split
