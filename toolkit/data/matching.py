"""A data set under the classes of a model, in the order of its outputs; and the split that judges it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from device.errors import EdgeError
from device.text import nearest
from toolkit.data.class_names import normal_class_name
from toolkit.data.dataset import Dataset
from toolkit.data.ferplus import advice_for_unknown_classes

ALL = "all"


def choose_split(dataset: Dataset, wanted: str | None) -> tuple[str, Dataset]:
    """Return the split's name and its faces; with no wish: test, else validation, else all."""
    name = wanted or dataset.judging_split() or ALL
    return name, dataset if name == ALL else dataset.split(name)


@dataclass(frozen=True)
class Match:
    """A model's labels beside a data set's classes: ``spelled``, the labels as the data spells those that it knows;
    ``unknown``, labels that it does not know; ``surplus``, its classes that the model does not."""

    spelled: tuple[str, ...]
    unknown: list[str]
    surplus: list[str]

    @classmethod
    def of(cls, dataset: Dataset, labels: tuple[str, ...]) -> "Match":
        known = {normal_class_name(name): name for name in dataset.classes}
        names = {label: normal_class_name(label) for label in labels}
        return cls(
            tuple(known.get(names[label], label) for label in labels),
            [label for label in labels if names[label] not in known],
            [name for name in dataset.classes if normal_class_name(name) not in names.values()],
        )


def match_classes(dataset: Dataset, labels: tuple[str, ...], asked: tuple[str, ...] | None) -> Dataset:
    """Return the data with the classes ``labels``, in that order; ``asked``: those the user chose, if any.

    Raises EdgeError where data and model do not name the same classes and the user has not chosen some, or where the
    data has none of a class that the user chose.
    """
    match = Match.of(dataset, labels)
    if asked is None and (match.unknown or match.surplus):
        refuse_misspelt(dataset, match.surplus, match.spelled)
        advice = advice_for_unknown_classes(dataset, match.unknown)
        common = [label for label in labels if label not in match.unknown]
        if len(common) > 1:
            advice += f"; pass `classes` {','.join(common)} to evaluate on these alone"
        elif not common:
            advice += "; call the classes of the data as the model does"
        raise EdgeError(
            f"the model's labels do not match the data: the model names {', '.join(labels)}; "
            f"{dataset.source or 'the data'} has {', '.join(dataset.classes)}{advice}"
        )
    return dataset.with_classes(match.spelled)


def with_network_classes(dataset: Dataset, labels: tuple[str, ...]) -> tuple[Dataset, bool]:
    """Return the data with the network's classes in its order, to quantize by, and whether that could be done.

    Of classes that the data lacks there are no faces, where the network knows all that the data has and no votes
    beside the faces know more; EdgeError otherwise. Synthetic faces of other classes stay as they are.
    """
    match = Match.of(dataset, labels)
    if dataset.synthetic and match.unknown:
        return dataset, False
    advice = advice_for_unknown_classes(dataset, match.unknown)
    if match.unknown and (advice or match.surplus):
        raise EdgeError(
            f"the labels do not match: {dataset.source or 'the data'} has no face of {', '.join(match.unknown)}, but "
            f"{', '.join(dataset.classes)}; the network knows {', '.join(labels)}{advice}; name the classes alike, or "
            "pass `labels` in the order of the outputs"
        )
    whole = replace(dataset, classes=(*dataset.classes, *match.unknown))
    return whole.with_classes(match.spelled), True


def refuse_misspelt(dataset: Dataset, suspects: Collection[str], known: Collection[str]) -> None:
    """Raise EdgeError where one split alone has a class of ``suspects``, and none of a ``known`` one with nearly its
    name."""
    for split in dataset.present_splits():
        here = np.bincount(dataset.labels[dataset.splits == split], minlength=len(dataset.classes))
        elsewhere = np.bincount(dataset.labels[dataset.splits != split], minlength=len(dataset.classes))
        number_of = {name: (here[row], elsewhere[row]) for row, name in enumerate(dataset.classes)}
        missing = [
            name for name in known if name in number_of and number_of[name][1] and not number_of[name][0]
        ]
        for name in suspects:
            near = nearest(name, missing)
            if near and number_of[name][0] and not number_of[name][1]:
                raise EdgeError(
                    f"the labels do not match: {dataset.source or 'the data'} has the class '{name}' in its split "
                    f"'{split}' alone, where '{near}' is missing; rename it to {near} if it is that, or take it "
                    "out"
                )
