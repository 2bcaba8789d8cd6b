"""Holding out a part of the training faces."""

from dataclasses import replace

import numpy as np

from device.errors import EdgeError
from toolkit.data.copies import copy_groups
from toolkit.data.dataset import Dataset
from toolkit.data.file_names import persons_of


def hold_out(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Return ``dataset`` with a seeded ``share`` of each class of 'train' moved to 'validation'.

    Identical faces stay on one side, so a class may miss the share by a few. Every class with two different
    faces or more has some on both sides. Where the names of the files tell persons, each stays on one side too, and
    classes miss the share by more, unless a class would then be missing on a side. Raises EdgeError without a 'train'
    split, or for a share that is not above 0 and under 1.
    """
    if not 0 < share < 1:
        raise EdgeError(f"expected a held-out share above 0 and under 1; received {share}")
    rows = np.flatnonzero(dataset.splits == "train")
    if len(rows) == 0:
        dataset.split("train")  # says which splits there are
    train = dataset.select(rows)
    copies = copy_groups(train.images)
    persons = persons_of(train.names)
    moved = None
    if persons is not None:
        groups = _joined(copies, np.unique(persons, return_inverse=True)[1])
        moved = _of_persons(groups, train, share, np.random.default_rng(seed))
    if moved is None:
        moved = _of_copies(copies, train, share, np.random.default_rng(seed))
    splits = dataset.splits.astype("U10")
    splits[rows[moved]] = "validation"
    return replace(dataset, splits=splits)


def _of_copies(groups: np.ndarray, train: Dataset, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return which faces of ``train`` to hold out, (N,) bool, class by class, the ``groups`` of copies whole."""
    moved = np.zeros(groups.max() + 1, dtype=bool)
    sizes = np.bincount(groups)
    first_rows = np.unique(groups, return_index=True)[1]
    group_labels = train.labels[first_rows]
    for label in range(len(train.classes)):
        candidates = rng.permutation(np.flatnonzero(group_labels == label))
        if len(candidates) < 2:
            continue
        before = np.cumsum(sizes[candidates]) - sizes[candidates]
        wanted = share * sizes[candidates].sum()
        count = int(np.clip((before + sizes[candidates] / 2 <= wanted).sum(), 1, len(candidates) - 1))
        moved[candidates[:count]] = True
    return np.asarray(moved[groups])


def _of_persons(
    groups: np.ndarray, train: Dataset, share: float, rng: np.random.Generator
) -> np.ndarray | None:
    """Return which faces of ``train`` to hold out, (N,) bool, the ``groups`` of persons whole, or None where a class
    would be missing on a side: rare classes first, persons at random until a class has its share."""
    counts = np.zeros((groups.max() + 1, len(train.classes)), np.int64)
    np.add.at(counts, (groups, train.labels), 1)
    total = counts.sum(axis=0)
    moved = np.zeros(len(counts), dtype=bool)
    for label in np.argsort(total, kind="stable"):
        for group in rng.permutation(np.flatnonzero(counts[:, label])):
            held = counts[moved].sum(axis=0)
            after = held[label] + counts[group, label] / 2
            if held[label] and after > share * total[label]:
                break
            if not moved[group] and (held + counts[group] < total)[total > 0].all():
                moved[group] = True
    missing = (counts[moved].sum(axis=0) == 0) & (total > 0)
    return None if missing.any() else moved[groups]


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the smallest groups, (N,) int64 from 0, that keep the groups of both, each (N,) int64, whole."""
    joined = first
    while True:
        before = joined
        for groups in (first, second):
            lowest = np.full(groups.max() + 1, len(groups))
            np.minimum.at(lowest, groups, joined)
            joined = lowest[groups]
        if np.array_equal(before, joined):
            return np.unique(joined, return_inverse=True)[1]
