"""The FER+ votes, Microsoft's ``fer2013new.csv``: ten taggers a face, rows aligned with ``fer2013.csv``.

Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution", ICMI 2016.
"""

import csv
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.data.class_names import normal_class_name
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


def read_votes(path: Path, row_count: int) -> np.ndarray:
    """Return the votes of a ``fer2013new.csv`` as (row_count, 10) uint8 in the order of VOTE_COLUMNS.

    Raises EdgeError if the file is another kind, or has not exactly one row for each row of ``fer2013.csv``.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as handle:
            reader = csv.reader(handle)
            header = [name.strip().lower() for name in next(reader, [])]
            columns = [header.index(name.lower()) for name in VOTE_COLUMNS]
            votes = [[int(row[column]) for column in columns] for row in reader if row]
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
    return table


def label_shares(dataset: Dataset) -> np.ndarray:
    """Return for each face the share of its taggers who named its label, (N,) float64; 0 for a class they lack."""
    assert dataset.votes is not None
    columns = [normal_class_name(name) for name in VOTE_COLUMNS]
    column_of = np.array([columns.index(name) if name in columns else -1 for name in dataset.classes])
    column = column_of[dataset.labels]
    named = np.where(column < 0, 0, dataset.votes[np.arange(len(dataset)), column])
    return named / np.maximum(dataset.votes.sum(axis=1), 1)
