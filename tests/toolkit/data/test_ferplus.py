"""The majority of the FER+ votes as label."""

from dataclasses import replace

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name, ordered_classes
from toolkit.data.ferplus import VOTE_COLUMNS, advice_for_unknown_classes, majority_labels
from toolkit.data.readers.loading import load_dataset

from .conftest import USAGES, csv_row, write_csv

#        neutral happiness surprise sadness anger disgust fear contempt unknown NF
JUDGED = [
    ((10, 0, 0, 0, 0, 0, 0, 0, 0, 0), "neutral"),
    ((0, 0, 0, 0, 0, 0, 0, 10, 0, 0), "contempt"),
    ((4, 6, 0, 0, 0, 0, 0, 0, 0, 0), "happy"),
    ((5, 5, 0, 0, 0, 0, 0, 0, 0, 0), None),  # half is not more than half
    ((0, 0, 4, 0, 0, 0, 3, 3, 0, 0), None),  # most, but no majority
    ((0, 0, 0, 0, 4, 3, 1, 1, 1, 0), "angry"),  # 4 of the 7 that are left without single votes
    ((0, 0, 0, 4, 0, 0, 0, 0, 4, 2), None),
    ((3, 0, 0, 0, 0, 0, 0, 0, 7, 0), None),  # the majority cannot tell
    ((0, 0, 0, 0, 0, 0, 0, 0, 0, 10), None),  # no face
    ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1), None),  # nothing is left
    ((0, 0, 0, 0, 0, 0, 9, 0, 0, 0), "fear"),
]


@pytest.fixture
def judged_csv(tmp_path, faces):
    """A fer2013.csv whose own label is always 'sad', and the votes of JUDGED beside it."""
    write_csv(
        tmp_path / "fer2013.csv",
        [csv_row(4, faces[number], USAGES[number % 3]) for number in range(len(JUDGED))],
    )
    rows = [(USAGES[number % 3], f"fer{number:07d}.png", *votes) for number, (votes, _) in enumerate(JUDGED)]
    write_csv(tmp_path / "fer2013new.csv", rows, ("Usage", "Image name", *VOTE_COLUMNS))
    return tmp_path / "fer2013.csv"


def test_the_majority_is_that_of_the_paper():
    labels = majority_labels(np.array([votes for votes, _ in JUDGED], np.uint8))
    assert [None if label < 0 else FERPLUS_CLASSES[label] for label in labels] == [name for _, name in JUDGED]


def test_only_faces_with_a_majority_are_loaded_under_it(judged_csv, faces):
    dataset = load_dataset(judged_csv, label_source="ferplus")
    rows = [number for number, (_, name) in enumerate(JUDGED) if name]
    assert dataset.classes == FERPLUS_CLASSES
    assert [dataset.classes[label] for label in dataset.labels] == [JUDGED[row][1] for row in rows]
    assert np.array_equal(dataset.images, faces[rows])
    assert list(dataset.names) == [f"row {row + 1}" for row in rows]
    assert dataset.source == f"{judged_csv} (FER+ majority labels)"
    assert "5 of 11 faces have a FER+ majority label" in dataset.remarks()


def test_classes_are_chosen_among_the_majority_labels(judged_csv):
    dataset = load_dataset(judged_csv, ("Contempt", "anger"), label_source="ferplus")
    assert dataset.counts() == {"contempt": 1, "angry": 1}


def test_own_labels_stay_the_default(kaggle_csv, ferplus_csv):
    assert len(load_dataset(kaggle_csv)) == len(load_dataset(kaggle_csv, label_source="own")) == 21


def test_faces_without_votes_are_refused(kaggle_csv):
    with pytest.raises(
        EdgeError, match=r"no FER\+ votes to take labels from; expected fer2013new\.csv beside"
    ):
        load_dataset(kaggle_csv, label_source="ferplus")


def test_the_votes_are_advised_only_for_classes_that_they_know(judged_csv):
    voted = load_dataset(judged_csv, lenient=True)
    assert "`label_source=ferplus`" in advice_for_unknown_classes(voted, ["Contempt"])
    assert advice_for_unknown_classes(voted, ["contempt", "bored"]) == ""
    assert advice_for_unknown_classes(voted, []) == ""
    assert advice_for_unknown_classes(replace(voted, votes=None), ["contempt"]) == ""


def test_contempt_is_a_known_name_and_the_last():
    assert normal_class_name("CONTEMPT ") == "contempt"
    assert ordered_classes({"contempt", "happy", "angry"}) == ("angry", "happy", "contempt")
