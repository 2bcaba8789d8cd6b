"""From a data set to what a training may see: splits decided, copies of held-out faces taken out."""

from dataclasses import dataclass, replace

import numpy as np

from device.errors import EdgeError
from device.text import counted
from toolkit.data.class_names import FERPLUS_CLASSES
from toolkit.data.copies import pixel_digests, without_leaks
from toolkit.data.dataset import Dataset
from toolkit.data.file_names import persons_in_both
from toolkit.data.label_sources import narrowed
from toolkit.data.matching import refuse_misspelt
from toolkit.data.splits import hold_out


@dataclass(frozen=True)
class SplitChoice:
    """Which faces of a data set choose the epoch, and under which labels; the fields of a recipe of the same names."""

    hold_out: bool
    validation_share: float
    seed: int
    label_source: str

    def holds_out(self, whole: Dataset) -> bool:
        """Return whether the faces that choose the epoch are a share of the training faces of ``whole``."""
        return self.hold_out or "validation" not in whole.present_splits()


@dataclass(frozen=True)
class TrainingData:
    """Faces to learn from, faces that choose the epoch, and how many copies of held-out faces were removed.

    chances: (N,) float64, how often each training face is drawn, sums to 1, or None for once an epoch;
    taught: (N,) bool, which training faces teachers answer about, or None for all. See ``toolkit.training.joining``;
    tested: (M,) uint64, ``pixel_digests`` of the data's own faces that neither teach nor choose, to be kept out of what
    another data set teaches.
    """

    train: Dataset
    validation: Dataset
    leaks_removed: int
    chances: np.ndarray | None = None
    taught: np.ndarray | None = None
    tested: np.ndarray | None = None

    def in_gray(self) -> "TrainingData":
        """Return the same without colours."""
        train, validation = (replace(part, colours=None) for part in (self.train, self.validation))
        return replace(self, train=train, validation=validation)


def split_for_training(
    whole: Dataset, choice: SplitChoice, classes: tuple[str, ...] | None = None
) -> TrainingData:
    """Split ``whole``, a data set with all its classes under its own labels, and keep ``classes`` of it.

    Training faces that also stand in the validation or test split, pixel for pixel, are removed. The validation
    faces are the data's own, or with ``hold_out`` (and where it has none) a seeded share of the training faces.
    Which faces are held out does not depend on ``classes`` or the label source, so that a model that starts from
    another one's weights is judged by faces that neither has learnt from. EdgeError if a class is missing from
    either side, or all training faces are copies of held-out ones.
    """

    def kept(part: Dataset) -> Dataset:
        return narrowed(part, classes, choice.label_source)

    all_train = whole.split("train")
    others = whole.select(whole.splits != "train")
    train = without_leaks(all_train, others) if len(others) else all_train
    if not len(train):
        raise EdgeError(
            f"all training faces of {whole.source} also stand in its validation or test split, pixel for pixel; "
            "expected some that do not: leave those splits out to have a share held out, or take the copies out"
        )
    removed = len(kept(all_train)) - len(kept(train))
    if choice.holds_out(whole):
        parted = hold_out(train, choice.validation_share, choice.seed)
        if "validation" not in parted.present_splits():
            raise EdgeError(
                f"no class of {whole.source} has two different training faces, so none can be held out to choose "
                "the epoch; add faces, or a validation split"
            )
        train, validation = parted.split("train"), parted.split("validation")
        tested = others
    else:
        validation, tested = whole.split("validation"), whole.select(whole.splits == "test")
    train, validation = kept(train), kept(validation)
    for split, part in (("training", train), ("validation", validation)):
        missing = [name for name, count in part.counts().items() if count == 0]
        if missing:
            odd = [name for name in whole.classes if name not in FERPLUS_CLASSES]
            refuse_misspelt(whole, odd, whole.classes)
            raise EdgeError(
                f"no '{missing[0]}' face in the {split} split of {whole.source}; expected at least one of each "
                f"of {len(train.classes)} classes; add faces, or leave the class out with `classes`"
            )
    return TrainingData(train, validation, removed, tested=pixel_digests(tested.images))


def split_in_words(data: TrainingData) -> str:
    """Return one line: how many faces on each side and what was removed."""
    line = f"{len(data.train):,} faces to train on, {len(data.validation):,} to choose the epoch"
    if data.leaks_removed:
        line += f"; {data.leaks_removed:,} removed because they also stand in a held-out split"
    persons = persons_in_both(data.train.names, data.validation.names)
    if persons is not None:
        line += f"; {counted(persons, 'person')} on both sides, by the names of the files"
    sizes = np.array(list(data.train.counts().values()))
    return f"{line}; classes of {sizes.min():,} to {sizes.max():,} faces"
