"""Labelled faces in memory."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from device.errors import EdgeError
from device.text import counted, did_you_mean
from toolkit.data.stored_faces import FACES_AT_ONCE, StoredFaces

FACE_SIZE = 48
SPLITS = ("train", "validation", "test")
BROKEN_NAMED = 10


def judging_split(splits: Collection[str]) -> str:
    """Return which of ``splits`` judges a model: test, where there is none validation, else ''."""
    return next((name for name in ("test", "validation") if name in splits), "")


@dataclass(frozen=True)
class BrokenImage:
    """A file or row that holds no usable face: where it stands and why."""

    name: str
    label: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Labelled faces.

    images: (N, 48, 48) uint8, gray: an array or, where memory is short, StoredFaces;
    colours: (N, 48, 48, 3) uint8, the same faces in R, G, B order, where they were asked for, else None;
    labels: (N,) int64, indices into ``classes``;
    splits: (N,) str, each of SPLITS;
    names: (N,) str, the file or row each face came from; votes: (N, 10) uint8 in FER+ order, or None;
    broken: what was left out; notes: lines a command tells its user; source: where all this came from;
    formats: how many files were found of each size and mode, such as '48x48 gray';
    synthetic: whether the faces are of no real person.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    splits: np.ndarray
    names: np.ndarray
    votes: np.ndarray | None = None
    colours: np.ndarray | None = None
    broken: tuple[BrokenImage, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()
    formats: dict[str, int] = field(default_factory=dict)
    synthetic: bool = False

    def __post_init__(self) -> None:
        columns = (self.images, self.labels, self.splits, self.names, self.votes, self.colours)
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: np.ndarray) -> "Dataset":
        """Return the faces at ``rows``, a boolean mask or integer indices, in that order."""
        votes = None if self.votes is None else self.votes[rows]
        return replace(
            self,
            images=rows_of(self.images, rows),
            colours=None if self.colours is None else rows_of(self.colours, rows),
            labels=self.labels[rows],
            splits=self.splits[rows],
            names=self.names[rows],
            votes=votes,
        )

    def seen(self, colour: bool) -> np.ndarray:
        """Return the faces as a network sees them, with ``colour`` in colours where there are any, else gray."""
        return self.images if self.colours is None or not colour else self.colours

    def split(self, name: str) -> "Dataset":
        """Return the faces of one split; EdgeError if it has none."""
        rows = self.splits == name
        if not rows.any():
            present = ", ".join(self.present_splits()) or "none"
            raise EdgeError(f"{self.source or 'the data set'} has no '{name}' split; it has: {present}")
        return self.select(rows)

    def present_splits(self) -> tuple[str, ...]:
        """Return the splits that hold at least one face, in the order of SPLITS."""
        return tuple(name for name in SPLITS if (self.splits == name).any())

    def judging_split(self) -> str:
        """Return the split whose faces judge a model: test, where there is none validation, else ''."""
        return judging_split(self.present_splits())

    def with_classes(self, classes: tuple[str, ...]) -> "Dataset":
        """Return only the faces of ``classes``, labels in their order; EdgeError for an unknown class."""
        unknown = [name for name in classes if name not in self.classes]
        if unknown:
            raise EdgeError(
                f"no class '{unknown[0]}' in {self.source or 'the data set'}; "
                f"{did_you_mean(unknown[0], self.classes)}it has: {', '.join(self.classes)}"
            )
        if classes == self.classes:
            return self
        position = {self.classes.index(name): new for new, name in enumerate(classes)}
        kept = self.select(np.isin(self.labels, list(position)))
        labels = np.array([position[int(label)] for label in kept.labels], dtype=np.int64)
        return replace(kept, labels=labels, classes=tuple(classes))

    def counts(self) -> dict[str, int]:
        """Return the number of faces of each class."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(number) for name, number in zip(self.classes, numbers, strict=True)}

    def remarks(self) -> list[str]:
        """Return what a command that read this data tells its user: classes renamed, broken images by name."""
        if not self.broken:
            return list(self.notes)
        named = [f"{image.name} ({image.reason})" for image in self.broken[:BROKEN_NAMED]]
        more = len(self.broken) - len(named)
        rest = f" and {more} more; 'toolkit data inspect' names them all" if more else ""
        return [
            *self.notes,
            f"{counted(len(self.broken), 'broken image')} left out: {', '.join(named)}{rest}",
        ]

    def fingerprint(self) -> str:
        """Return the SHA-256, in hexadecimal, of the class names, labels and gray pixels in order."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").tobytes())
        for start in range(0, len(self), FACES_AT_ONCE):
            digest.update(np.ascontiguousarray(self.images[start : start + FACES_AT_ONCE]).tobytes())
        return digest.hexdigest()


def rows_of(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return ``images``, (N, H, W[, 3]) uint8, at ``rows``, (M,) int or (N,) bool; what is on disk stays there."""
    some: np.ndarray = images.only(rows) if isinstance(images, StoredFaces) else images[rows]
    return some
