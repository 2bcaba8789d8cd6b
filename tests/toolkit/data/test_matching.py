"""A data set under the classes of a model."""

from dataclasses import replace

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.dataset import Dataset
from toolkit.data.matching import match_classes, refuse_misspelt

CLASSES = ("happy", "sad", "surprise", "neutral")


@pytest.mark.parametrize(
    ("present", "advice"),
    [
        (("happy", "sad", "smug"), "; pass `classes` happy,sad to evaluate"),
        (("happy", "smug"), ""),
        (("froh", "traurig"), "; call the classes of the data as the model does"),
    ],
)
def test_classes_that_both_know_are_advised_where_there_are_two(present, advice):
    data = dataset_of(present)
    with pytest.raises(EdgeError, match=rf"; folder has {', '.join(present)}{advice}") as refused:
        match_classes(data, CLASSES, None)
    assert ("`classes`" in str(refused.value)) == ("`classes`" in advice)


def test_a_class_that_was_asked_for_and_is_not_there_is_the_users_slip():
    asked = ("happy", "sda")
    with pytest.raises(
        EdgeError, match=r"^no class 'sda' in folder; did you mean sad\? it has: happy, sad, fear$"
    ):
        match_classes(dataset_of(("happy", "sad", "fear")), asked, asked)


def dataset_of(classes):
    count = len(classes)
    images, names = np.zeros((count, 48, 48), np.uint8), np.array(classes)
    return Dataset(images, np.arange(count), classes, np.full(count, "test"), names, source="folder")


def test_a_class_that_one_split_misspells_is_told_with_the_right_name():
    data = dataset_of(("happy", "sad", "sda"))
    splits = np.array(["train", "train", "test"])
    with pytest.raises(
        EdgeError, match="the class 'sda' in its split 'test' alone, where 'sad' is missing; rename it"
    ):
        refuse_misspelt(replace(data, splits=splits), ["sda"], ["happy", "sad"])
    refuse_misspelt(replace(data, splits=np.array(["train", "test", "test"])), ["sda"], ["happy", "sad"])
    refuse_misspelt(replace(data, splits=splits), ["sda", "sad"], ["happy"])
