"""Labelled faces from whatever people have."""

from pathlib import Path

from device.errors import EdgeError
from toolkit.data.class_names import normal_class_name
from toolkit.data.dataset import Dataset
from toolkit.data.kaggle_csv import load_kaggle_csv


def load_dataset(path: str | Path, classes: tuple[str, ...] | None = None) -> Dataset:
    """Return the labelled faces at ``path``, all as 48x48 gray.

    ``path`` is a ``fer2013.csv`` (the FER+ votes file beside it is read too).
    ``classes`` keeps only these, in this order.
    Raises EdgeError for anything else, for a data set of one class, and for a class that is not there.
    """
    path = Path(path)
    if not path.exists():
        raise EdgeError(f"no data at {path}; expected a folder of faces or a fer2013.csv")
    dataset = load_kaggle_csv(path)
    if classes is not None:
        dataset = dataset.with_classes(tuple(normal_class_name(name) for name in classes))
    refuse_one_class(dataset)
    return dataset


def refuse_one_class(dataset: Dataset) -> None:
    """Raise EdgeError unless faces of at least two classes are there."""
    present = [name for name, number in dataset.counts().items() if number]
    if len(present) < 2:
        raise EdgeError(
            f"{dataset.source}: expected faces of at least two classes; received {len(present)} ({', '.join(present)})"
        )
