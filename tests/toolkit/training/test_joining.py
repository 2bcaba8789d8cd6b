"""A first data set and further ones: which faces are drawn how often, and whom the teachers answer about."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError, UsageError
from toolkit.data.copies import leaked_rows, pixel_digests
from toolkit.data.dataset import Dataset
from toolkit.data.train_split import TrainingData
from toolkit.training.joining import FurtherData, join

from ..data.conftest import make_faces


def part(seed, labels, classes, split="train"):
    count = len(labels)
    names = np.array([f"face {seed} {number}" for number in range(count)])
    return Dataset(
        make_faces(count, seed), np.array(labels), classes, np.full(count, split), names, source=f"set {seed}"
    )


def training(seed, labels, classes):
    return TrainingData(part(seed, labels, classes), part(seed + 50, [0, 1], classes, "validation"), 0)


FIRST = training(1, [0] * 6 + [1] * 2 + [2] * 4, ("angry", "happy", "neutral"))
FURTHER = training(2, [0] * 16 + [1], ("neutral", "angry"))


def test_faces_of_both_are_drawn_by_their_shares_and_labels_go_by_name():
    joined = join(FIRST, [FURTHER], [0.25])
    assert joined.train.counts() == {"angry": 7, "happy": 2, "neutral": 20}
    assert joined.validation.counts() == {"angry": 2, "happy": 1, "neutral": 1}
    assert joined.chances.sum() == pytest.approx(1)
    assert joined.chances[~joined.taught].sum() == pytest.approx(0.25)
    assert set(joined.train.source.split(" and ")) == {"set 1", "set 2"}
    assert list(joined.taught) == [True] * 12 + [False] * 17


def test_rare_classes_of_a_further_data_set_are_drawn_more_often_than_they_are():
    joined = join(FIRST, [FURTHER], [0.25])
    rare = joined.chances[~joined.taught & (joined.train.labels == 0)].sum()
    assert rare == pytest.approx(0.25 / (1 + 16**0.25))
    assert np.ptp(joined.chances[joined.taught]) == 0
    evened = join(FIRST, [FURTHER], [0.25], balance=1.0)
    first = evened.chances[evened.taught]
    assert [first[FIRST.train.labels == label].sum() for label in range(3)] == pytest.approx([0.25] * 3)


def test_training_faces_that_choose_the_epoch_elsewhere_are_removed():
    copied = replace(FURTHER.train, images=FURTHER.train.images.copy())
    copied.images[3] = FIRST.validation.images[0]
    joined = join(FIRST, [replace(FURTHER, train=copied)], [0.25])
    assert (len(joined.train), joined.leaks_removed) == (12 + 16, 1)


def test_faces_that_another_data_set_tests_are_removed():
    tested = part(7, [0] * 3, FIRST.train.classes, "test")
    train, validation = (
        replace(one, images=one.images.copy()) for one in (FURTHER.train, FURTHER.validation)
    )
    train.images[3], train.images[5], validation.images[1] = tested.images
    first = replace(FIRST, tested=pixel_digests(tested.images))
    joined = join(first, [replace(FURTHER, train=train, validation=validation)], [0.25])
    assert not leaked_rows(tested, joined.train).any()
    assert not leaked_rows(tested, joined.validation).any()
    assert (len(joined.train), len(joined.validation), joined.leaks_removed) == (12 + 15, 3, 3)
    more = replace(
        training(3, [0, 1, 1], ("neutral", "angry")), tested=pixel_digests(FURTHER.train.images[:4])
    )
    turned = join(FURTHER, [more], [0.25])
    assert (len(turned.train), turned.leaks_removed) == (13 + 3, 4)


def test_a_part_of_which_nothing_is_left_is_refused():
    for gone in (FURTHER.train, FURTHER.validation):
        with pytest.raises(EdgeError, match=r"all faces of set 5?2 to learn from or to choose the epoch by"):
            join(replace(FIRST, tested=pixel_digests(gone.images)), [FURTHER], [0.25])
    happy = FIRST.train.images[FIRST.train.labels == 1]
    with pytest.raises(EdgeError, match="all 'happy' faces of set 1 to learn from"):
        join(FIRST, [replace(FURTHER, tested=pixel_digests(happy))], [0.25])


def test_votes_are_kept_where_one_has_them():
    voted = replace(FIRST, train=replace(FIRST.train, votes=np.full((12, 10), 3, np.uint8)))
    votes = join(voted, [FURTHER], [0.25]).train.votes
    assert votes.shape == (29, 10)
    assert (votes[:12] == 3).all()
    assert not votes[12:].any()


def test_classes_of_its_own_and_shares_of_everything_are_refused():
    with pytest.raises(EdgeError, match="set 53 has the class 'sad'; expected classes of the first data set"):
        join(FIRST, [training(3, [0, 1], ("neutral", "sad"))], [0.2])
    with pytest.raises(EdgeError, match=r"take 1\.2 of the faces"):
        join(FIRST, [FURTHER, FURTHER], [0.6, 0.6])


def test_a_further_data_set_is_written_path_and_share():
    assert FurtherData.parse("C:/faces:0.25") == FurtherData(Path("C:/faces"), 0.25)
    assert str(FurtherData.parse("faces:0.5")) == "faces:0.5"


@pytest.mark.parametrize(
    "text", ["faces", "faces:", ":0.2", "faces:1", "faces:0", "faces:-1", "faces:nan", "faces:x"]
)
def test_anything_else_is_wrong_use(text):
    with pytest.raises(UsageError, match="expected PATH:SHARE"):
        FurtherData.parse(text)
