"""Tables of faces such as Kaggle's ``fer2013.csv``: a row a face with its label, its pixels and its usage."""

import math
import warnings
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.resizing import resized
from toolkit.data.dataset import FACE_SIZE, BrokenImage, Dataset
from toolkit.data.ferplus import VOTES_FILE, read_votes
from toolkit.data.files.broken import refuse_endless, refuse_too_many_broken
from toolkit.data.files.face_store import new_face_store
from toolkit.data.files.split_names import SPLIT_OF_WORD
from toolkit.data.files.table_labels import (
    LABEL_COLUMNS,
    ROWS_LOOKED_AT,
    USAGE_COLUMNS,
    Labels,
    column_named,
    usage_column,
)
from toolkit.data.files.text_table import most_rows, read_table
from toolkit.data.stored_faces import stored

PIXELS = FACE_SIZE * FACE_SIZE
PIXEL_COLUMNS = ("pixels", "pixel", "image", "img", "face", "data")
# What numbers the rows of a table with a column a pixel; pandas leaves the name empty, or calls it so.
ROW_NUMBER_COLUMNS = ("", "id", "index", "unnamed: 0")
# Fewer numbers are no face; each takes a digit and what divides it from the next.
FEWEST_PIXELS = 16 * 16
LEAST_BYTES = 2 * FEWEST_PIXELS
# What people put around and between the pixels of a cell: lists as Python prints them, commas, new lines.
BETWEEN = str.maketrans(dict.fromkeys("[](),;|'\"\t\r\n", " "))


@dataclass(frozen=True)
class TableColumns:
    """Positions of a table's columns: ``pixels`` is one of text or one a pixel; ``usage`` is None without such a
    column; ``header``: whether the first row names the columns."""

    label: int
    pixels: tuple[int, ...]
    usage: int | None
    header: bool = True


def load_face_tables(source: Path, tables: Mapping[Path, str], lenient: bool = False) -> Dataset:
    """Return the faces of ``tables``, each with the split that its name tells ('': its Usage column does).

    The splits of a Usage column: Training -> 'train', PublicTest -> 'validation', PrivateTest -> 'test', or their
    names as folders spell them; without one every face is 'train'. Labels are names, or numbers in FER2013's order (7
    is contempt), or those that ``classes.txt`` beside the table names. Faces of another square size are resized. FER+
    votes are read from ``fer2013new.csv`` beside a table that stands alone. ``source`` is what the data set is called.
    Raises EdgeError for another kind of file, an invalid label or usage, votes that belong to another file, or,
    unless ``lenient``, too many broken rows.
    """
    labels = Labels()
    images = new_face_store(sum(most_rows(table, LEAST_BYTES) for table in tables))
    read = _read_faces(tables, labels, images)
    folder = next(iter(tables)).parent
    class_names, classes = labels.resolved(folder)
    good = Counter(class_names[code] for code in labels.kept)
    left_out = tuple(BrokenImage(name, class_names[code], reason) for name, code, reason in read.broken)
    if not lenient:
        refuse_too_many_broken(left_out, good, source)
    if not read.names:
        reason = f"; the first row: {left_out[0].reason}" if left_out else ""
        raise EdgeError(
            f"{source} holds a header and no faces; expected a row a face: emotion,pixels,Usage{reason}"
        )
    rows = np.frombuffer(read.rows, np.int64)
    votes_file = folder / VOTES_FILE
    voted = len(tables) == 1 and votes_file.is_file()
    return Dataset(
        images=stored(images[: len(read.names)]),
        labels=labels.indices(class_names, classes),
        classes=classes,
        splits=np.array(read.splits)[rows],
        names=np.array(read.names),
        votes=votes_of(votes_file, read.splits)[rows] if voted else None,
        broken=left_out,
        source=str(source),
        notes=labels.notes(folder),
        formats=dict(read.formats.most_common()),
    )


@dataclass
class FaceRows:
    """What is read of tables: the split of each row; the row and the name of each face; name, label's code and reason
    of each broken row; how many faces have each size."""

    splits: list[str] = field(default_factory=list)
    rows: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    names: list[str] = field(default_factory=list)
    broken: list[tuple[str, int, str]] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)


def _read_faces(tables: Mapping[Path, str], labels: Labels, images: np.ndarray) -> FaceRows:
    """Read the faces of ``tables`` into ``images`` and their labels into ``labels``."""
    read = FaceRows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # np.fromstring on text that is no number
        for path, told in tables.items():
            count = 0
            for number, (label, text, split) in enumerate(read_rows(path, told), start=1):
                read.splits.append(split)
                name = f"row {number}" if len(tables) == 1 else f"{path.name}, row {number}"
                code = labels.code(label, f"{path}, row {number}")
                try:
                    values = parse_pixels(text, count)
                except ValueError as error:
                    read.broken.append((name, code, str(error)))
                    refuse_endless(path, len(read.broken), f"row {number}", str(error))
                    continue
                count, side = len(values), math.isqrt(len(values))
                images[len(read.names)] = resized(values.reshape(side, side), (FACE_SIZE, FACE_SIZE))
                read.formats[f"{side}x{side} gray"] += 1
                labels.keep(code)
                read.rows.append(len(read.splits) - 1)
                read.names.append(name)
    return read


def votes_of(path: Path, splits: list[str]) -> np.ndarray:
    """Return the FER+ votes, (N, 10) uint8, of faces in these ``splits``; EdgeError for votes of other faces.

    Their rows go by order alone: of a table that was shuffled the usages tell it.
    """
    votes, usages = read_votes(path, len(splits))
    told = [SPLIT_OF_WORD.get(usage.strip().lower(), "") for usage in usages]
    several = len(set(splits)) > 1  # else the table tells no usages
    for row, (split, other) in enumerate(zip(splits, told, strict=True), start=1):
        if several and other and split != other:
            raise EdgeError(
                f"{path}: row {row} is of the split '{other}', and that of the faces beside it of '{split}'; votes "
                "belong to the faces in the order of their rows: move the votes away or fetch both again"
            )
    return votes


def holds_faces(path: Path) -> bool:
    """Return whether a table has columns of labels and pixels; EdgeError for a file that is no table."""
    rows = read_table(path)
    return columns_of(next(rows, []), list(islice(rows, 1))) is not None


def read_rows(path: Path, split: str) -> Iterator[tuple[str, str, str]]:
    """Yield the label, the pixels as text and the split (``split`` where there is one) of each row."""
    rows = read_table(path)
    first, some = next(rows, []), list(islice(rows, ROWS_LOOKED_AT))
    columns = columns_of(first, some)
    if columns is None:
        raise EdgeError(_why_no_faces(path, first))
    before = some if columns.header else [first, *some]
    last = max(columns.label, *columns.pixels, columns.usage or 0)
    for number, row in enumerate(filter(None, chain(before, rows)), start=1):
        if len(row) <= last:
            raise EdgeError(
                f"{path}, row {number}: expected at least {last + 1} columns; received {len(row)}; the file seems cut "
                "off; fetch it again"
            )
        if columns.header and any(row[len(first) :]):
            raise EdgeError(
                f"{path}, row {number}: expected {len(first)} columns, as in its header; received {len(row)}; put "
                "quotes around the pixels, or name each pixel's column"
            )
        usage = row[columns.usage] if columns.usage is not None else "train"
        text = " ".join([row[position] for position in columns.pixels])
        yield row[columns.label], text, split or parse_usage(path, number, usage)


def columns_of(first: list[str], rows: list[list[str]]) -> TableColumns | None:
    """Return where label, pixels and usage stand in a table of this first row and some ``rows`` behind it; None where
    it has none."""
    names = [name.strip().lower() for name in first]
    label = column_named(names, LABEL_COLUMNS)
    usage = usage_column(names, rows, {label})
    if label is None:
        without_header = len(first) in (2, 3) and first[1].count(" ") >= FEWEST_PIXELS
        return TableColumns(0, (1,), 2 if len(first) > 2 else None, header=False) if without_header else None
    single = column_named(names, PIXEL_COLUMNS)
    if single is not None and (not rows or _is_pixels(rows[0][single : single + 1])):
        return TableColumns(label, (single,), usage)
    none = (*LABEL_COLUMNS, *USAGE_COLUMNS, *ROW_NUMBER_COLUMNS)
    others = tuple(at for at, name in enumerate(names) if name not in none and at != usage)
    return TableColumns(label, others, usage) if len(others) >= FEWEST_PIXELS else None


def parse_usage(path: Path, number: int, text: str) -> str:
    """Return the split that a Usage stands for."""
    split = SPLIT_OF_WORD.get(text.strip().lower())
    if split is None:
        raise EdgeError(
            f"{path}, row {number}: expected the usage Training, PublicTest or PrivateTest; "
            f"received '{text[:20]}'; correct or remove the row"
        )
    return split


def parse_pixels(text: str, count: int = 0) -> np.ndarray:
    """Return (N,) uint8 from the numbers in text, N a square, ``count`` unless 0; 0..1 with fractions is 0..255.

    ValueError saying what was received instead.
    """
    try:
        values = np.fromstring(text.translate(BETWEEN), np.float64, sep=" ")
    except ValueError:  # older numpy stops and warns, the count is then too low
        raise ValueError("expected numbers separated by spaces, received something else") from None
    square = len(values) >= FEWEST_PIXELS and math.isqrt(len(values)) ** 2 == len(values)
    if len(values) != count if count else not square:
        raise ValueError(f"expected {count or PIXELS} pixels, received {len(values)}")
    if not (values.min() >= 0 and values.max() <= 255):  # nor is NaN
        raise ValueError(f"expected pixels from 0 to 255, received {values.min():g} to {values.max():g}")
    if values.max() <= 1 and "." in text:
        values = values * 255
    return np.rint(values).astype(np.uint8)


def _is_pixels(cell: list[str]) -> bool:
    """Return whether a cell holds more than a name: numbers, or nothing, which is a broken row of pixels."""
    text = "".join(cell).translate(BETWEEN).strip()
    return not text or text.split(maxsplit=1)[0].lstrip("-").replace(".", "", 1).isdecimal()


def _why_no_faces(path: Path, header: list[str]) -> str:
    if "NF" in header:
        return f"{path} holds FER+ votes and no faces; put it beside fer2013.csv and name that file"
    received = ",".join(header)[:60] or "an empty file"
    return f"{path} is no fer2013.csv: expected the header emotion,pixels,Usage; received {received!r}"
