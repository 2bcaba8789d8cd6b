"""Holding out a part of the training faces."""

from dataclasses import replace

import numpy as np

from device.errors import EdgeError
from toolkit.data.copies import copy_groups
from toolkit.data.dataset import Dataset


def hold_out(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Return ``dataset`` with a seeded ``share`` of each class of 'train' moved to 'validation'.

    Identical faces stay on one side, so a class may miss the share by a few. Every class with two different
    faces or more has some on both sides. Raises EdgeError without a 'train' split, or for a share that is
    not above 0 and under 1.
    """
    if not 0 < share < 1:
        raise EdgeError(f"expected a held-out share above 0 and under 1; received {share}")
    rows = np.flatnonzero(dataset.splits == "train")
    if len(rows) == 0:
        dataset.split("train")  # says which splits there are
    groups = copy_groups(dataset.select(rows).images)
    moved = np.zeros(groups.max() + 1, dtype=bool)
    sizes = np.bincount(groups)
    first_rows = np.unique(groups, return_index=True)[1]
    group_labels = dataset.labels[rows][first_rows]
    rng = np.random.default_rng(seed)
    for label in range(len(dataset.classes)):
        candidates = rng.permutation(np.flatnonzero(group_labels == label))
        if len(candidates) < 2:
            continue
        before = np.cumsum(sizes[candidates]) - sizes[candidates]
        wanted = share * sizes[candidates].sum()
        count = int(np.clip((before + sizes[candidates] / 2 <= wanted).sum(), 1, len(candidates) - 1))
        moved[candidates[:count]] = True
    splits = dataset.splits.astype("U10")
    splits[rows[moved[groups]]] = "validation"
    return replace(dataset, splits=splits)
