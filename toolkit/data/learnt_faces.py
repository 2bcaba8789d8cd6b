"""Whether a model is measured on the faces that it was trained on."""

import dataclasses
from typing import Any

from device.errors import EdgeError
from toolkit.data.copies import leaked_rows
from toolkit.data.dataset import Dataset
from toolkit.data.train_split import SplitChoice, split_for_training

NOT_KNOWN = (
    "these faces are training faces, or of data without splits: if the model was trained on them, its accuracy here "
    "says little of other faces"
)


def training_note(faces: Dataset, learnt: Dataset | None) -> str:
    """Return what to say beside an accuracy on ``faces`` that the model may have been trained on, or ''.

    ``learnt``: the faces that it was trained on; where they are not known, training faces get a general note, unless
    synthetic.
    """
    if "train" not in faces.present_splits():
        return ""
    if learnt is None:
        return "" if faces.synthetic else NOT_KNOWN
    count = int(leaked_rows(faces, learnt).sum())
    if count == 0:
        return ""
    return f"the model was trained on {count} of these {len(faces)} faces: its accuracy here says little of others"


def learnt_faces(whole: Dataset, labels: tuple[str, ...], training: dict[str, Any] | None) -> Dataset | None:
    """Return the faces of ``whole`` that a model was trained on, or None unless it was trained on exactly this data.

    ``whole``: the data with all its classes under its own labels; ``labels``, ``training``: what the model's file says
    of its outputs and its training.

    They are selected anew as the training's recipe says, and known by the digest that the model carries.
    """
    try:
        recipe = training["recipe"]  # type: ignore[index]
        choice = SplitChoice(**{field.name: recipe[field.name] for field in dataclasses.fields(SplitChoice)})
        learnt = split_for_training(whole, choice, labels).train
    except (KeyError, TypeError, EdgeError):  # no recipe, that of another version, or of other data
        return None
    return learnt if training and learnt.fingerprint() == training.get("train_sha256") else None
