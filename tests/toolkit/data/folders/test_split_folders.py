"""Which folders are splits, and which are classes."""

import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import make_faces, write_image


def fill(folder, count):
    for number, face in enumerate(make_faces(count, len(str(folder)))):
        write_image(folder / f"{number:03d}.png", face)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("training_set", "test_set"), ("train", "test")),
        (("train_class", "val_class", "test_class"), ("train", "validation", "test")),
        (("Training", "PublicTest", "PrivateTest"), ("train", "validation", "test")),
        (("train", "Public_Test", "private-test"), ("train", "validation", "test")),
        (("fer_train", "fer_public_test"), ("train", "validation")),
        (("1_train", "2_testset"), ("train", "test")),
        (("fer_train", "fer_val"), ("train", "validation")),
        (("trainval", "test2"), ("train", "test")),
        (("traindataset", "testdataset"), ("train", "test")),
        (("entrenamiento", "validación", "prueba"), ("train", "validation", "test")),
        (("Entraînement", "Test"), ("train", "test")),
        (("treino", "validac\u0327a\u0303o", "teste"), ("train", "validation", "test")),  # as a Mac writes it
        (("Trainingsdaten", "Testdaten"), ("train", "test")),
        (("训练集", "测试集"), ("train", "test")),
    ],
)
def test_split_folders_by_other_names_are_splits_and_said(tmp_path, names, splits):
    for number, name in enumerate(names):
        fill(tmp_path / name / "happy", 2 + number)
        fill(tmp_path / name / "sad", 2)
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("happy", "sad")
    assert dataset.present_splits() == splits
    if names[0].lower() not in ("training", "train"):
        assert f"folder '{names[0]}' is read as the split 'train'" in dataset.notes


@pytest.mark.parametrize("names", [("happy", "sad"), ("cat", "big_dog")])
@pytest.mark.parametrize("spell", ["{name}_{split}", "{split}-{name}", "{name} {split}ing"])
def test_a_folder_may_tell_its_class_and_its_split_at_once(tmp_path, names, spell):
    for name in names:
        fill(tmp_path / spell.format(name=name, split="train"), 3)
        fill(tmp_path / spell.format(name=name, split="test"), 2)
    dataset = load_dataset(tmp_path)
    assert set(dataset.classes) == set(names)
    assert dataset.present_splits() == ("train", "test")
    assert dataset.split("test").counts() == dict.fromkeys(dataset.classes, 2)
    first = spell.format(name=names[0], split="test")
    assert f"folder '{first}' is read as class '{names[0]}' of the split 'test'" in dataset.notes


def test_folders_of_class_and_split_beside_another_folder(tmp_path):
    for name in ("happy", "sad"):
        fill(tmp_path / f"{name}_train", 3)
        fill(tmp_path / f"{name}_test", 2)
    (tmp_path / "scripts").mkdir()
    assert load_dataset(tmp_path).split("test").counts() == {"happy": 2, "sad": 2}
    fill(tmp_path / "neutral", 4)
    dataset = load_dataset(tmp_path)
    assert dataset.split("test").counts() == {"happy": 2, "sad": 2, "neutral": 0}
    assert dataset.split("train").counts() == {"happy": 3, "sad": 3, "neutral": 4}


def test_splits_in_class_folders_beside_something_else(tmp_path):
    for name in ("happy", "sad"):
        fill(tmp_path / name / "train", 3)
        fill(tmp_path / name / "test", 2)
        fill(tmp_path / name / "augmented", 1)
        fill(tmp_path / name, 4)
    dataset = load_dataset(tmp_path)
    assert dataset.split("test").counts() == {"happy": 2, "sad": 2}
    assert dataset.split("train").counts() == {"happy": 8, "sad": 8}
    assert "4 pictures right in 'happy', beside folders of splits, read as 'train'" in dataset.notes
    assert "folder 'happy/augmented' stands beside folders of splits and is read as 'train'" in dataset.notes


def test_a_person_called_as_a_split_is_none(tmp_path):
    for name in ("happy", "sad"):
        for person in ("Anna", "Ben", "Val"):
            fill(tmp_path / name / person, 2)
    assert load_dataset(tmp_path).present_splits() == ("train",)


def test_the_folder_of_another_expression_in_one_is_refused(tmp_path):
    fill(tmp_path / "happy", 3)
    fill(tmp_path / "sad", 3)
    fill(tmp_path / "sad" / "Joy", 1)  # a person
    assert load_dataset(tmp_path).counts() == {"happy": 3, "sad": 4}
    fill(tmp_path / "happy" / "more" / "Fear", 3)
    with pytest.raises(EdgeError, match="the class 'happy', holds a folder 'more/Fear'"):
        load_dataset(tmp_path)


def test_class_names_of_which_some_hold_a_word_of_a_split_stay_classes(tmp_path):
    for name in ("train_station", "bus", "test_bench"):
        fill(tmp_path / name, 2)
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("bus", "test_bench", "train_station")
    assert dataset.present_splits() == ("train",)


def test_splits_inside_classes_and_a_split_around_a_split_are_read(tmp_path):
    for name in ("happy", "sad"):
        fill(tmp_path / "a" / name / "train", 2)
        fill(tmp_path / "a" / name / "test", 1)
        fill(tmp_path / "b" / "train" / "train" / name, 2)
        fill(tmp_path / "b" / "test" / "test" / name, 1)
    for root in (tmp_path / "a", tmp_path / "b"):
        dataset = load_dataset(root)
        assert dataset.classes == ("happy", "sad")
        assert list(dataset.splits).count("test") == 2
