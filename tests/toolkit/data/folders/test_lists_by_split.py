"""Lists of labels beside pictures that stand in folders of splits."""

import unicodedata

import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from .test_picture_lists import NAMES, labels_of, pictures


@pytest.mark.parametrize(
    ("list_name", "row"),
    [
        ("train.csv", "{n},{label}"),  # numbered anew in each split, as at Kaggle's
        ("labels.csv", "train/{n}.png,{label}"),
        ("labels.csv", "{n},{label},train"),
    ],
)
def test_a_list_never_names_a_picture_of_another_split(tmp_path, list_name, row):
    pictures(tmp_path / "train", 2)
    pictures(tmp_path / "test", 6)
    header = "id,label,split" if row.count(",") > 1 else "id,label"
    lines = [row.format(n=number, label=NAMES[number % 3]) for number in range(6)]
    (tmp_path / list_name).write_text("\n".join([header, *lines]))
    with pytest.raises(EdgeError, match="are broken"):
        load_dataset(tmp_path)
    assert set(labels_of(load_dataset(tmp_path, lenient=True))) == {"0.png", "1.png"}


def test_a_list_that_tells_no_splits_leaves_them_to_the_folders(tmp_path):
    pictures(tmp_path / "train", 3, "a{}.png")
    pictures(tmp_path / "test", 3, "b{}.png")
    lines = [f"{letter}{number}.png,{NAMES[number]}" for letter in "ab" for number in range(3)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *lines]))
    dataset = load_dataset(tmp_path)
    assert dataset.split("train").counts() == dataset.split("test").counts() == dict.fromkeys(NAMES, 1)


def test_an_accent_is_the_same_however_it_is_written(tmp_path):
    """A Mac writes letters and accents apart, a list from elsewhere together."""
    names = [unicodedata.normalize("NFD", f"é{number}.png") for number in range(3)]
    pictures(tmp_path, 3, unicodedata.normalize("NFD", "é{}.png"))
    lines = [
        f"{unicodedata.normalize('NFC', name)},{label}" for name, label in zip(names, NAMES, strict=True)
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *lines]))
    assert labels_of(load_dataset(tmp_path)) == {
        name: (label, "train") for name, label in zip(names, NAMES, strict=True)
    }


def test_the_whole_path_of_another_machine_tells_no_split(tmp_path):
    pictures(tmp_path / "train", 3)
    lines = [f"/home/dev/test_faces/{number}.png,{NAMES[number]}" for number in range(3)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *lines]))
    assert load_dataset(tmp_path).counts() == dict.fromkeys(NAMES, 1)


def test_an_annotator_is_no_split(tmp_path):
    pictures(tmp_path)
    lines = [f"{n}.png,{NAMES[n % 3]},{('Val', 'Bob')[n % 2]}" for n in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label,annotator", *lines]))
    assert load_dataset(tmp_path).split("train").counts() == dict.fromkeys(NAMES, 2)


@pytest.mark.parametrize("column", ["dataset", "data set", "mode", "which"])
def test_a_column_of_splits_is_known_by_what_it_holds(tmp_path, column):
    pictures(tmp_path)
    lines = [f"{n}.png,{NAMES[n % 3]},{'Training' if n < 3 else 'Test'}" for n in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join([f"image,label,{column}", *lines]))
    dataset = load_dataset(tmp_path)
    assert dataset.split("train").counts() == dataset.split("test").counts() == dict.fromkeys(NAMES, 1)
