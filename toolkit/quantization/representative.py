"""The representative faces: those that set the ranges of the activations."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.text import counted
from toolkit.data.copies import leaked_rows
from toolkit.data.dataset import Dataset
from toolkit.data.learnt_faces import training_note
from toolkit.data.matching import refuse_misspelt, with_network_classes

# From benchmarks/representative_faces.py: from 20 faces on the drop stays within 0.2 points.
DEFAULT_COUNT = 200
DEFAULT_SEED = 0
MEASURED_AT_MOST = 4000
FEWEST_UNSEEN = 100


@dataclass(frozen=True)
class RepresentativeFaces:
    """The faces chosen, and their rows in the data set they were taken from."""

    faces: Dataset
    rows: np.ndarray
    seed: int

    def to_json(self) -> dict[str, Any]:
        return {
            "count": len(self.faces),
            "sha256": self.faces.fingerprint(),
            "source": Path(self.faces.source).name,
            "seed": self.seed,
            "classes": self.faces.counts(),
        }


def choose_representative(
    dataset: Dataset, count: int = DEFAULT_COUNT, seed: int = DEFAULT_SEED
) -> RepresentativeFaces:
    """Choose ``count`` faces of ``dataset``, as many of each class as there are, the same for the same
    ``seed``.

    A class with fewer faces than its share gives all it has, the others fill up. Raises EdgeError for a set
    without faces or of one class: ranges measured on one expression do not hold for the others.
    """
    source = dataset.source or "the representative data"
    present = np.unique(dataset.labels)
    if len(dataset) == 0:
        raise EdgeError(
            f"{source} holds no faces; expected some hundred, of every class; pass another `data`"
        )
    if len(present) < 2:
        raise EdgeError(
            f"{source} holds only the class '{dataset.classes[present[0]]}'; representative faces must show "
            "every class; pass another `data`"
        )
    rng = np.random.default_rng(seed)
    queues = [rng.permutation(np.flatnonzero(dataset.labels == label)) for label in present]
    # Taken class by class in turn: equal shares until a class runs out.
    turns = max(len(queue) for queue in queues)
    in_turn = [queue[turn] for turn in range(turns) for queue in queues if turn < len(queue)]
    rows = np.array(in_turn[:count])
    return RepresentativeFaces(dataset.select(rows), rows, seed)


@dataclass(frozen=True)
class ChosenFaces:
    """The representative faces, and others that measure the result. ``labelled``: they show the network's
    classes; ``left_out``: how many faces of the data show another class, by its name; ``note``: why an accuracy on
    those that measure may say little, or ''.
    """

    representative: RepresentativeFaces
    measuring: Dataset
    labelled: bool
    left_out: dict[str, int] = field(default_factory=dict)
    note: str = ""

    def remarks(self) -> list[str]:
        """Return what the user is told of the choice: the faces left out, the classes that no face measures."""
        said = []
        if self.left_out:
            faces, named = counted(sum(self.left_out.values()), "face"), self.left_out.items()
            classes = ", ".join(f"{name} ({number})" for name, number in named)
            said.append(f"{faces} of classes that the network does not know left out: {classes}")
        if unseen := [name for name, number in self.measuring.counts().items() if not number]:
            said.append(f"no face of {', '.join(unseen)} is among those that measure")
        return said


def choose_faces(
    data: Dataset, labels: tuple[str, ...], count: int, seed: int, learnt: Dataset | None = None
) -> ChosenFaces:
    """Choose the representative faces and the measuring ones, which are never the same.

    The first come from the training split and the others from test or validation. Where there is one split only, those
    that the network has not ``learnt`` measure, if FEWEST_UNSEEN or more are known; else a half of it gives each. Those
    that measure keep the shares of the classes, at most MEASURED_AT_MOST.
    Raises EdgeError where ``data``, unless it is synthetic, does not show all classes of the network, or where a
    split seems to misspell one.
    """
    whole = data
    data, labelled = with_network_classes(data, labels)
    left_out = {
        name: number for name, number in whole.counts().items() if number and name not in data.classes
    }
    refuse_misspelt(whole, left_out, [name for name in whole.classes if name not in left_out])
    judging = data.judging_split()
    if judging and "train" in data.present_splits():
        calibrating, measuring = data.split("train"), data.split(judging)
    else:
        calibrating, measuring = _unseen(data, learnt) or _halves(data, seed)
    if len(measuring) > MEASURED_AT_MOST:
        rows = np.random.default_rng(seed).permutation(len(measuring))[:MEASURED_AT_MOST]
        measuring = measuring.select(np.sort(rows))
    representative = choose_representative(calibrating, count, seed)
    return ChosenFaces(representative, measuring, labelled, left_out, training_note(measuring, learnt))


def _unseen(data: Dataset, learnt: Dataset | None) -> tuple[Dataset, Dataset] | None:
    """Return the faces of ``data`` that were learnt, and the others, or None where these are too few or not known."""
    if learnt is None:
        return None
    known = leaked_rows(data, learnt)
    if not known.any() or (~known).sum() < FEWEST_UNSEEN:
        return None
    return data.select(known), data.select(~known)


def _halves(data: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return two halves of ``data``, drawn at random, each with half of every class."""
    shuffled = np.random.default_rng(seed).permutation(len(data))
    by_class = shuffled[np.argsort(data.labels[shuffled], kind="stable")]
    return data.select(np.sort(by_class[::2])), data.select(np.sort(by_class[1::2]))
