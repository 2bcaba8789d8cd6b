"""What is in a data set, and what is wrong with it."""

import logging
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from device.text import counted, printable
from toolkit.data.copies import copy_groups
from toolkit.data.dataset import BrokenImage, Dataset
from toolkit.data.file_names import persons_in_both
from toolkit.data.near_duplicates import near_pairs

SCHEMA, SCHEMA_VERSION = "fer-edge/inspection", 1
FORMATS_SHOWN = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leak:
    """Faces of the split ``into`` that also stand in the split ``source``: exact copies, counted on both sides, and
    faces with no exact but a near copy there (None where near copies were not looked for)."""

    source: str
    into: str
    faces: int
    source_rows: int
    near_faces: int | None

    def to_json(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "into": self.into,
            "faces": self.faces,
            "rows_in_" + self.source: self.source_rows,
            "near_faces": self.near_faces,
        }


@dataclass(frozen=True)
class Inspection:
    """groups, conflicts: rows of identical faces, a group each, those with several labels in ``conflicts`` too;
    pairs: (P, 2) rows of nearly identical faces, or None; constant: rows of faces of one gray level."""

    dataset: Dataset
    groups: tuple[np.ndarray, ...]
    conflicts: tuple[np.ndarray, ...]
    pairs: np.ndarray | None
    constant: np.ndarray
    leaks: tuple[Leak, ...]

    @property
    def redundant(self) -> int:
        """How many faces could go without any different face being lost."""
        return sum(len(group) - 1 for group in self.groups)

    @property
    def broken(self) -> tuple[BrokenImage, ...]:
        return self.dataset.broken

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of faces of each class, by split."""
        return {name: self.dataset.split(name).counts() for name in self.dataset.present_splits()}

    def findings(self) -> list[str]:
        """Return what to know before training on this data, a line each."""
        lines = list(self.dataset.notes)
        for split, counts in self.counts().items():
            missing = [name for name, number in counts.items() if number == 0]
            lines += [f"no face of class '{name}' in split '{split}'" for name in missing]
        lines += [
            f"{counted(leak.faces, 'face')} of '{leak.into}' also in '{leak.source}' "
            f"({counted(leak.source_rows, 'row')})"
            for leak in self.leaks
            if leak.faces
        ]
        for source, into in combinations(self.dataset.present_splits(), 2):
            names = [self.dataset.names[self.dataset.splits == split] for split in (source, into)]
            if persons := persons_in_both(*names):
                lines.append(
                    f"{counted(persons, 'person')} of '{into}' also in '{source}', by the names of the files"
                )
        if self.groups:
            lines.append(
                f"{counted(self.redundant, 'redundant copy', 'redundant copies')} in "
                f"{counted(len(self.groups), 'group')} of identical faces"
            )
        if self.conflicts:
            lines.append(
                f"{counted(len(self.conflicts), 'group')} of identical faces with conflicting labels"
            )
        if self.pairs is not None and len(self.pairs):
            lines.append(f"{counted(len(self.pairs), 'pair')} of nearly identical faces")
        if len(self.constant):
            lines.append(counted(len(self.constant), "constant image"))
        lines += [f"broken: {image.name}: {image.reason}" for image in self.broken]
        return lines

    def summary(self) -> str:
        """Return a table of the classes by split, and the findings, as text."""
        counts = self.counts()
        heads = [*counts, "all"] if len(counts) > 1 else [*counts]
        width = max(len(printable(name)) for name in (*self.dataset.classes, "class"))
        lines = [" ".join([f"{'class':<{width}}", *(f"{head:>10}" for head in heads)])]
        for name, total in self.dataset.counts().items():
            numbers = [numbers[name] for numbers in counts.values()]
            numbers += [total] if len(counts) > 1 else []
            lines.append(" ".join([f"{printable(name):<{width}}", *(f"{number:>10,}" for number in numbers)]))
        shown = list(self.dataset.formats.items())
        kinds = ", ".join(f"{kind} ({number:,})" for kind, number in shown[:FORMATS_SHOWN])
        more = f" and {len(shown) - FORMATS_SHOWN} other sizes" if len(shown) > FORMATS_SHOWN else ""
        return "\n".join([*lines, f"files: {kinds}{more}", *map(printable, self.findings())])

    def to_json(self) -> dict[str, Any]:
        names, labels, splits = self.dataset.names, self.dataset.labels, self.dataset.splits

        def describe(rows: np.ndarray) -> list[dict[str, str]]:
            return [
                {
                    "name": str(names[row]),
                    "label": self.dataset.classes[labels[row]],
                    "split": str(splits[row]),
                }
                for row in rows
            ]

        near = (
            None
            if self.pairs is None
            else {"count": len(self.pairs), "pairs": list(map(describe, self.pairs))}
        )
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "source": self.dataset.source,
            "synthetic": self.dataset.synthetic,
            "faces": len(self.dataset),
            "classes": list(self.dataset.classes),
            "counts": self.counts(),
            "formats": self.dataset.formats,
            "duplicates": {
                "redundant": self.redundant,
                "groups": len(self.groups),
                "conflicting_groups": len(self.conflicts),
                "conflicts": [describe(group) for group in self.conflicts],
                "copies": [describe(group) for group in self.groups],
            },
            "near_duplicates": near,
            "constant": describe(self.constant),
            "leaks": [leak.to_json() for leak in self.leaks],
            "broken": [vars(image) for image in self.broken],
            "findings": self.findings(),
        }


def inspect_dataset(dataset: Dataset, near: bool = True) -> Inspection:
    """Return what ``dataset`` holds; ``near`` looks for nearly identical faces too."""
    log.info(f"looking for copies among {len(dataset):,} faces")
    group_of = copy_groups(dataset.images)
    groups = several_rows(group_of)
    conflicts = tuple(group for group in groups if len(set(dataset.labels[group])) > 1)
    pairs = None
    if near:
        log.info("looking for nearly identical faces")
        pairs = distinct_near_pairs(dataset, group_of)
    constant = np.flatnonzero([image.min() == image.max() for image in dataset.images])
    leaks = tuple(
        find_leak(dataset.splits, source, into, group_of, pairs)
        for source, into in combinations(dataset.present_splits(), 2)
    )
    return Inspection(dataset, groups, conflicts, pairs, constant, leaks)


def several_rows(group_of: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the rows of each group that has more than one, the largest group first; ``group_of``: (N,) int."""
    order = np.argsort(group_of, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group_of[order])) + 1)
    return tuple(sorted((part for part in parts if len(part) > 1), key=lambda part: (-len(part), part[0])))


def distinct_near_pairs(dataset: Dataset, group_of: np.ndarray) -> np.ndarray:
    """Return the pairs of rows, (P, 2), of nearly but not quite identical faces.

    Of identical ones, which have one number in ``group_of``, (N,), the first stands for all.
    """
    firsts = np.sort(np.unique(group_of, return_index=True)[1])
    return np.asarray(firsts[near_pairs(dataset.select(firsts).images)])


def find_leak(
    splits: np.ndarray, source: str, into: str, group_of: np.ndarray, pairs: np.ndarray | None
) -> Leak:
    """Return what of the split ``source`` stands in ``into`` too; ``splits`` and ``group_of`` are (N,), and ``pairs``,
    (P, 2) rows, stand for all rows of their groups."""
    in_source, in_into = splits == source, splits == into
    exact = in_into & np.isin(group_of, group_of[in_source])
    rows = in_source & np.isin(group_of, group_of[in_into])
    near_faces = None
    if pairs is not None:
        linked = group_of[np.concatenate([pairs, pairs[:, ::-1]])]
        reached = linked[np.isin(linked[:, 0], group_of[in_source]), 1]
        near_faces = int((in_into & ~exact & np.isin(group_of, reached)).sum())
    return Leak(source, into, int(exact.sum()), int(rows.sum()), near_faces)
