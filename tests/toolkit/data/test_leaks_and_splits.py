"""Copies of faces: found, counted, removed, and kept on one side of a split."""

from dataclasses import replace

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.copies import leaked_rows, without_leaks
from toolkit.data.dataset import Dataset
from toolkit.data.file_names import persons_in_both
from toolkit.data.splits import hold_out
from toolkit.data.train_split import TrainingData, split_in_words

from .conftest import make_faces


def dataset_of(images, labels, split="train"):
    count = len(images)
    names = np.array([f"face {number}" for number in range(count)])
    return Dataset(images, np.array(labels), ("happy", "sad"), np.full(count, split), names, source="test")


def test_leaks_are_exact_copies_only():
    faces = make_faces(10)
    nearly = faces[4].copy()
    nearly[0, 0] ^= 1
    train = dataset_of(np.stack([*faces[:4], faces[0], nearly]), [0, 0, 1, 1, 0, 1])
    held_out = dataset_of(faces[[0, 3, 4, 8, 9]], [0, 1, 1, 0, 1], "test")
    assert list(leaked_rows(held_out, train)) == [True, True, False, False, False]
    assert list(without_leaks(train, held_out).names) == ["face 1", "face 2", "face 5"]


def test_the_held_out_share_is_stratified_seeded_and_whole():
    images, labels = make_faces(300), [0] * 200 + [1] * 100
    dataset = dataset_of(images, labels)
    parted = hold_out(dataset, 0.1, seed=5)
    assert parted.split("validation").counts() == {"happy": 20, "sad": 10}
    assert sorted(parted.names) == sorted(dataset.names)
    assert np.array_equal(parted.splits, hold_out(dataset, 0.1, seed=5).splits)
    assert not np.array_equal(parted.splits, hold_out(dataset, 0.1, seed=6).splits)


def test_copies_stay_on_one_side_even_under_another_label():
    faces = make_faces(60)
    images = np.concatenate([faces, faces[:40], faces[:20]])
    dataset = dataset_of(images, [0] * 60 + [1] * 40 + [0] * 20)
    for seed in range(10):
        parted = hold_out(dataset, 0.2, seed)
        assert not leaked_rows(parted.split("validation"), parted.split("train")).any()
        assert 18 <= len(parted.split("validation")) <= 30


def test_other_splits_stay_and_tiny_classes_keep_a_training_face():
    train = dataset_of(make_faces(4), [0, 0, 0, 1])
    test = dataset_of(make_faces(3, seed=9), [0, 1, 1], "test")
    both = dataset_of(np.concatenate([train.images, test.images]), [*train.labels, *test.labels])
    both.splits[:] = [*train.splits, *["test"] * 3]
    parted = hold_out(both, 0.9, seed=0)
    assert list(parted.splits[4:]) == ["test"] * 3
    assert parted.split("train").counts() == {"happy": 1, "sad": 1}


def of_persons(persons, labels):
    """Return different faces of ``persons``, of each one for each of its ``labels``."""
    told = [(person, label) for person in range(persons) for label in labels(person)]
    dataset = dataset_of(make_faces(len(told)), [label for _, label in told])
    names = [f"S{person:03}_{at:03}_00000001.png" for at, (person, _) in enumerate(told)]
    return replace(dataset, names=np.array(names))


def test_persons_whom_names_tell_stay_on_one_side():
    dataset = of_persons(30, lambda person: [0, 1] if person % 3 else [1, 1, 1])
    first, second = np.flatnonzero(dataset.labels == 1)[[0, 20]]
    dataset.images[second] = dataset.images[first]
    for seed in range(10):
        parted = hold_out(dataset, 0.2, seed)
        train, held = parted.split("train"), parted.split("validation")
        assert persons_in_both(train.names, held.names) == 0
        assert not leaked_rows(held, train).any()
        assert 10 <= len(held) <= 22
        assert "; 0 persons on both sides, by the names" in split_in_words(TrainingData(train, held, 0))
    assert not np.array_equal(hold_out(dataset, 0.2, 0).splits, hold_out(dataset, 0.2, 1).splits)


def test_a_class_of_one_person_stands_on_both_sides_all_the_same():
    parted = hold_out(of_persons(6, lambda person: [int(person == 5)] * 5), 0.2, seed=0)
    assert parted.split("validation").counts() == {"happy": 5, "sad": 1}


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(EdgeError, match="above 0 and under 1"):
        hold_out(dataset_of(make_faces(4), [0, 0, 1, 1]), share, seed=0)


def test_without_a_train_split_there_is_nothing_to_hold_out():
    with pytest.raises(EdgeError, match="no 'train' split; it has: test"):
        hold_out(dataset_of(make_faces(4), [0, 0, 1, 1], "test"), 0.5, seed=0)


def test_fer2013_leaks_as_measured(shared_fer2013):
    train, held_out = shared_fer2013.split("train"), shared_fer2013.split("validation")
    assert leaked_rows(held_out, train).sum() == 280
    assert len(train) - len(without_leaks(train, held_out)) == 351
