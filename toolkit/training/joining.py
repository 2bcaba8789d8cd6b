"""Several data sets to learn from: a first one, and further ones, each with its share of the faces that are drawn.

A network that goes on learning on other faces forgets the first ones. So the first data set stays, and teachers, say
the model that the training starts from, answer about its faces only: what they know there is held, while the labels of
the further faces teach what is new (Li and Hoiem, Learning without Forgetting, arXiv 1606.09282).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device.errors import EdgeError, UsageError
from toolkit.data.copies import pixel_digests, without_leaks
from toolkit.data.dataset import Dataset
from toolkit.data.train_split import TrainingData

# Further faces are drawn by (class size) ** -RARE: few photographs show the rare expressions.
RARE = 0.75


@dataclass(frozen=True)
class FurtherData:
    """A further data set, and the share of all faces drawn that come from it, above 0 and under 1."""

    path: Path
    share: float

    @classmethod
    def parse(cls, text: str) -> "FurtherData":
        """Return what ``PATH:SHARE`` says; UsageError for anything else.

        >>> FurtherData.parse("my_faces:0.2")
        """
        path, _, number = text.rpartition(":")
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if not path or not 0 < share < 1:
            raise UsageError(
                f"`more_data` is '{text}'; expected PATH:SHARE, the share of the faces of a step from that data set, "
                "above 0 and under 1, such as my_faces:0.2"
            )
        return cls(Path(path), share)

    def __str__(self) -> str:
        return f"{self.path}:{self.share:g}"


def join(
    first: TrainingData, further: Sequence[TrainingData], shares: Sequence[float], balance: float = 0.0
) -> TrainingData:
    """Return ``first`` with the training and validation faces of ``further`` behind its own.

    ``chances`` tell how often a training face is drawn: ``shares`` of all are from the further data sets, by RARE; the
    rest from the first, by (class size) ** -``balance``; ``taught`` is true for the first one's. Training faces that
    also stand in another one's validation part are removed, and faces of either part that also stand in another one's
    ``tested``. EdgeError for a class that the first does not know, for shares that leave it nothing, or for a data set
    of which nothing is left.
    """
    if sum(shares) >= 1:
        raise EdgeError(
            f"the further data sets take {sum(shares):g} of the faces; expected less than 1 together, so that the "
            "first has a share; lower the shares"
        )
    classes, parts = first.train.classes, (first, *further)
    validations = [_untested(one.validation, one, parts) for one in parts]
    validation = _concatenated(validations, classes)
    trains = [without_leaks(_untested(one.train, one, parts), validation) for one in parts]
    for one, *kept in zip(parts, trains, validations, strict=True):
        for before, after in zip((one.train, one.validation), kept, strict=True):
            _refuse_emptied(before, after, every_class=one is first)
    had = sum(len(one.train) + len(one.validation) for one in parts)
    removed = had - sum(map(len, (*trains, *validations)))
    train = _concatenated(trains, classes)
    sources = np.repeat(np.arange(len(trains)), [len(one) for one in trains])
    chances = np.zeros(len(train))
    for source, share in enumerate((1 - sum(shares), *shares)):
        rows = sources == source
        chances[rows] = share * by_class_size(train.labels[rows], RARE if source else balance)
    leaks = sum(one.leaks_removed for one in parts) + removed
    return TrainingData(train, validation, leaks, chances, sources == 0)


def _untested(faces: Dataset, of: TrainingData, parts: Sequence[TrainingData]) -> Dataset:
    """Return ``faces`` of the data set ``of`` without those that are tested in another of ``parts``."""
    tested = [other.tested for other in parts if other is not of and other.tested is not None]
    known = np.isin(pixel_digests(faces.images), np.concatenate(tested)) if tested else np.zeros(0, bool)
    return faces.select(~known) if known.any() else faces


def _refuse_emptied(before: Dataset, after: Dataset, every_class: bool) -> None:
    """Raise EdgeError where nothing is left of a data set's part, with ``every_class`` of one of its classes."""
    left = after.counts()
    gone = [name for name, count in before.counts().items() if count and not left[name]]
    if gone and (every_class or not len(after)):
        what = f"'{gone[0]}' faces" if len(after) else "faces"
        raise EdgeError(
            f"all {what} of {before.source} to learn from or to choose the epoch by also stand in a validation or test "
            "split of another data set; take them out of one of the two, or train on one data set"
        )


def by_class_size(labels: np.ndarray, balance: float) -> np.ndarray:
    """Return each face's chance to be drawn, (N,) float64, proportional to (class size) ** -balance."""
    weights = np.bincount(labels)[labels].astype(np.float64) ** -balance
    return np.asarray(weights / weights.sum())


def _concatenated(parts: Sequence[Dataset], classes: tuple[str, ...]) -> Dataset:
    """Return the faces of ``parts`` in one data set of ``classes``; zeros are the votes of faces without any."""
    labels = [_labels_among(classes, part) for part in parts]
    return replace(
        parts[0],
        images=np.concatenate([np.asarray(part.images[:]) for part in parts]),
        colours=None if parts[0].colours is None else np.concatenate([_coloured(part) for part in parts]),
        labels=np.concatenate(labels),
        splits=np.concatenate([part.splits for part in parts]),
        names=np.concatenate([part.names for part in parts]),
        votes=_votes(parts),
        source=" and ".join(part.source for part in parts),
    )


def _labels_among(classes: tuple[str, ...], part: Dataset) -> np.ndarray:
    """Return the labels of ``part`` as positions in ``classes``; EdgeError for a class that is none of them."""
    unknown = [name for name in part.classes if name not in classes]
    if unknown:
        raise EdgeError(
            f"{part.source} has the class '{unknown[0]}'; expected classes of the first data set: "
            f"{', '.join(classes)}; rename it, or leave it out with `classes`"
        )
    return np.array([classes.index(name) for name in part.classes]).take(part.labels)


def _votes(parts: Sequence[Dataset]) -> np.ndarray | None:
    """Return the votes of all faces of ``parts``, zeros for those that have none; None where no part has any."""
    given = [part.votes for part in parts if part.votes is not None]
    if not given:
        return None
    none = np.zeros((1, given[0].shape[1]), np.uint8)
    return np.concatenate(
        [np.repeat(none, len(part), axis=0) if part.votes is None else part.votes for part in parts]
    )


def _coloured(part: Dataset) -> np.ndarray:
    """Return (N, 48, 48, 3) of any faces; gray ones have equal channels."""
    faces = np.asarray(part.seen(colour=True)[:])
    return faces if faces.ndim == 4 else np.repeat(faces[..., None], 3, axis=3)
