"""The Kaggle file ``fer2013.csv``: a row a face with its label number, 2304 pixels and usage."""

import csv
import warnings
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from device.errors import EdgeError
from toolkit.data.broken import refuse_too_many_broken
from toolkit.data.class_names import FER2013_CLASSES, normal_class_name
from toolkit.data.dataset import FACE_SIZE, BrokenImage, Dataset
from toolkit.data.face_store import new_face_store
from toolkit.data.ferplus import VOTES_FILE, read_votes
from toolkit.data.stored_faces import stored

LONGEST_HEADER = 1 << 16
PIXELS = FACE_SIZE * FACE_SIZE
SPLIT_OF_USAGE = {"training": "train", "publictest": "validation", "privatetest": "test"}


def load_kaggle_csv(path: Path, lenient: bool = False) -> Dataset:
    """Return the faces of a ``fer2013.csv``.

    The splits: Training -> 'train', PublicTest -> 'validation', PrivateTest -> 'test'.
    Without a Usage column every face is 'train'. FER+ votes are read from ``fer2013new.csv`` beside it.
    Raises EdgeError for another kind of file, a label or usage out of range, votes that
    belong to another file, or, unless ``lenient``, too many broken rows.
    """
    labels, splits, rows = array("q"), [], array("q")
    images = new_face_store(count_lines(path))
    broken: list[BrokenImage] = []
    row_count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # np.fromstring on text that is no number
        for row_count, (label, text, split) in enumerate(read_rows(path), start=1):
            try:
                images[len(labels)] = parse_pixels(text)
            except ValueError as error:
                broken.append(BrokenImage(f"row {row_count}", FER2013_CLASSES[label], str(error)))
                continue
            labels.append(label)
            splits.append(split)
            rows.append(row_count - 1)
    good = Counter(FER2013_CLASSES[label] for label in labels)
    if not lenient:
        refuse_too_many_broken(broken, good, path)
    if not labels:
        raise EdgeError(f"{path} holds a header and no faces; expected a row a face: emotion,pixels,Usage")
    row_indices = np.frombuffer(rows, np.int64)
    votes_file = path.with_name(VOTES_FILE)
    return Dataset(
        images=stored(images[: len(labels)]),
        labels=np.frombuffer(labels, np.int64),
        classes=FER2013_CLASSES,
        splits=np.array(splits),
        names=np.array([f"row {row + 1}" for row in rows]),
        votes=read_votes(votes_file, row_count)[row_indices] if votes_file.is_file() else None,
        broken=tuple(broken),
        source=str(path),
        formats={f"{FACE_SIZE}x{FACE_SIZE} gray": len(labels)},
    )


def count_lines(path: Path) -> int:
    """Return how many rows the file can hold at most."""
    try:
        with open(path, "rb") as handle:
            return sum(block.count(b"\n") for block in iter(lambda: handle.read(2**20), b"")) + 1
    except OSError as error:
        raise EdgeError(f"cannot read {path}: {error.strerror}; expected a fer2013.csv") from error


def read_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the label, the pixel text and the split of each row."""
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as handle:
            reader = csv.reader(handle, delimiter=delimiter_of(handle))
            columns = find_columns(path, next(reader, []))
            for number, row in enumerate((row for row in reader if row), start=1):
                if len(row) <= max(columns.values()):
                    raise EdgeError(
                        f"{path}, row {number}: expected at least {max(columns.values()) + 1} columns; "
                        f"received {len(row)}; the file seems cut off; fetch it again"
                    )
                usage = row[columns["usage"]] if "usage" in columns else "Training"
                yield (
                    parse_label(path, number, row[columns["emotion"]]),
                    row[columns["pixels"]],
                    parse_usage(path, number, usage),
                )
    except (csv.Error, OSError) as error:
        raise EdgeError(f"cannot read {path} as CSV: {error}; expected a fer2013.csv") from error


def delimiter_of(handle: TextIO) -> str:
    """Return what separates the columns of an open file: comma, semicolon or tab; it is at its start after."""
    header = handle.readline(LONGEST_HEADER)
    handle.seek(0)
    return max(",;\t", key=header.count)


def find_columns(path: Path, header: list[str]) -> dict[str, int]:
    """Return the positions of the columns emotion, pixels and, where present, usage."""
    columns = {name.strip().lower(): position for position, name in enumerate(header)}
    if "emotion" in columns and "pixels" in columns:
        return {name: columns[name] for name in ("emotion", "pixels", "usage") if name in columns}
    if "neutral" in columns and "nf" in columns:
        raise EdgeError(f"{path} holds FER+ votes and no faces; put it beside fer2013.csv and name that file")
    received = ",".join(header)[:60] or "an empty file"
    raise EdgeError(
        f"{path} is no fer2013.csv: expected the header emotion,pixels,Usage; received {received!r}"
    )


def parse_label(path: Path, number: int, text: str) -> int:
    """Return the label number of a row, 0 to 6."""
    label = label_of(text)
    if not 0 <= label < len(FER2013_CLASSES):
        raise EdgeError(
            f"{path}, row {number}: expected an emotion from 0 to {len(FER2013_CLASSES) - 1} "
            f"({', '.join(FER2013_CLASSES)}); received '{text[:20]}'; correct or remove the row"
        )
    return label


def label_of(text: str) -> int:
    """Return the label number that a number such as '3' or '3.0', or the name of a class, stands for; -1 for none."""
    name = normal_class_name(text)
    if name in FER2013_CLASSES:
        return FER2013_CLASSES.index(name)
    try:
        number = float(text)
    except ValueError:
        return -1
    return int(number) if number.is_integer() else -1


def parse_usage(path: Path, number: int, text: str) -> str:
    """Return the split that a Usage stands for."""
    split = SPLIT_OF_USAGE.get(text.strip().lower())
    if split is None:
        raise EdgeError(
            f"{path}, row {number}: expected the usage Training, PublicTest or PrivateTest; "
            f"received '{text[:20]}'; correct or remove the row"
        )
    return split


def parse_pixels(text: str) -> np.ndarray:
    """Return (48, 48) uint8 from 2304 numbers in text; ValueError saying what was received instead."""
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except ValueError:  # older numpy stops and warns, the count is then too low
        raise ValueError("expected numbers separated by spaces, received something else") from None
    if len(values) != PIXELS:
        raise ValueError(f"expected {PIXELS} pixels, received {len(values)}")
    if values.min() < 0 or values.max() > 255:
        raise ValueError(f"expected pixels from 0 to 255, received {values.min()} to {values.max()}")
    return values.astype(np.uint8).reshape(FACE_SIZE, FACE_SIZE)
