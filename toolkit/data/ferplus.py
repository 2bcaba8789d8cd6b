"""The FER+ votes, Microsoft's ``fer2013new.csv``: ten taggers a face, rows aligned with ``fer2013.csv``.

Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution", ICMI 2016.
"""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.dataset import Dataset

VOTES_FILE = "fer2013new.csv"
VOTE_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)


def read_votes(path: Path, row_count: int) -> tuple[np.ndarray, list[str]]:
    """Return the votes of a ``fer2013new.csv`` as (row_count, 10) uint8 in the order of VOTE_COLUMNS, and the usage of
    each row, '' where none is told.

    Raises EdgeError if the file is another kind, or has not exactly one row for each row of ``fer2013.csv``.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as handle:
            reader = csv.reader(handle)
            header = [name.strip().lower() for name in next(reader, [])]
            columns = [header.index(name.lower()) for name in VOTE_COLUMNS]
            rows = [row for row in reader if row]
            votes = [[int(row[column]) for column in columns] for row in rows]
            usages = [row[header.index("usage")] if "usage" in header else "" for row in rows]
        table = np.array(votes, dtype=np.uint8).reshape(-1, len(VOTE_COLUMNS))
    except (ValueError, IndexError, OverflowError, csv.Error, OSError) as error:
        raise EdgeError(
            f"{path} holds no FER+ votes ({error}); expected the columns Usage,Image name,"
            f"{','.join(VOTE_COLUMNS)}; fetch it again or move it away"
        ) from error
    if len(table) != row_count:
        raise EdgeError(
            f"{path} has {len(table)} rows of votes, the faces beside it have {row_count}; "
            "they do not belong together: move the votes away or fetch both again"
        )
    return table, usages


def majority_labels(votes: np.ndarray) -> np.ndarray:
    """Return the label of each face by its (N, 10) votes: (N,) int64 into FERPLUS_CLASSES, -1 for no label.

    The rule of the paper's majority mode, as Microsoft's ``ferplus.py`` has it: a column with a single vote counts as
    none; the face takes the column that holds more than half of what is left, and no label if no column does or if
    that one is 'unknown' or 'NF' (no face).
    """
    counted = np.where(votes > 1, votes, 0).astype(np.int64)
    names = [normal_class_name(name) for name in VOTE_COLUMNS]
    label_of = np.array([FERPLUS_CLASSES.index(name) if name in FERPLUS_CLASSES else -1 for name in names])
    has_majority = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(has_majority, label_of[counted.argmax(axis=1)], -1)


def with_majority_labels(dataset: Dataset) -> Dataset:
    """Return the faces that have a FER+ majority label, under it, in the classes FERPLUS_CLASSES.

    The source of the data says which labels these are. Raises EdgeError for faces without votes.
    """
    if dataset.votes is None:
        raise EdgeError(
            f"{dataset.source} has no FER+ votes to take labels from; expected {VOTES_FILE} beside fer2013.csv; "
            "fetch it, or leave out `label_source`"
        )
    labels = majority_labels(dataset.votes)
    kept = replace(dataset, labels=labels, classes=FERPLUS_CLASSES).select(labels >= 0)
    return replace(
        kept,
        source=f"{dataset.source} (FER+ majority labels)",
        notes=(*dataset.notes, f"{len(kept):,} of {len(dataset):,} faces have a FER+ majority label"),
    )


def advice_for_unknown_classes(dataset: Dataset, unknown: list[str]) -> str:
    """Return the end of an error line: what to pass where the votes beside the faces know the classes ``unknown``."""
    names = {normal_class_name(name) for name in unknown}
    if dataset.votes is None or not names or not names <= set(FERPLUS_CLASSES):
        return ""
    return "; pass `label_source=ferplus` for the labels of the FER+ votes beside them"
