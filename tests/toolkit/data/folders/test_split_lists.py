"""Class folders with lists of names beside them that tell the splits."""

import json
import os
import unicodedata

import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from .test_picture_lists import NAMES, labels_of, pictures

NAME = "{{}}_{}.png"


def class_folders(root, count=4):
    """``count`` pictures of each class, called by their class too, so that ``labels_of`` tells them apart."""
    for name in NAMES:
        pictures(root / name, count, NAME.format(name))


def write_lists(folder, line="{name}/{number}_{name}.png", **numbers):
    folder.mkdir(parents=True, exist_ok=True)
    for split, wanted in numbers.items():
        lines = [line.format(name=name, number=number) for name in NAMES for number in wanted]
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "line", ["{name}/{number}_{name}.png", "{name}/{number}_{name}", "./{name}\\{number}_{name}.PNG"]
)
def test_lists_of_names_tell_the_splits_of_class_folders(tmp_path, line):
    class_folders(tmp_path)
    write_lists(tmp_path, line, train=(0, 1), test_list=(2,), val=(3,))
    dataset = load_dataset(tmp_path)
    assert labels_of(dataset) == {
        f"{number}_{name}.png": (name, split)
        for name in NAMES
        for number, split in enumerate(("train", "train", "test", "validation"))
    }
    assert "the splits are read from test_list.txt, train.txt, val.txt" in dataset.notes


@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_are_one_in_lists_of_splits_however_they_are_written(tmp_path, forms):
    on_disk, listed = (unicodedata.normalize(form, "Zoë") for form in forms)
    for name in NAMES:
        pictures(tmp_path / name, 4, f"{on_disk}_{{}}.png")
    write_lists(tmp_path, f"{{name}}/{listed}_{{number}}.png", train=(0, 1, 2), test=(3,))
    assert load_dataset(tmp_path).split("test").counts() == dict.fromkeys(NAMES, 1)


def test_lists_stand_in_a_folder_of_their_own(tmp_path):
    class_folders(tmp_path / "images")
    write_lists(tmp_path / "meta", "{name}/{number}_{name}", train=(0, 1, 2), test=(3,))
    dataset = load_dataset(tmp_path)
    assert dataset.split("test").counts() == dict.fromkeys(NAMES, 1)
    assert "the splits are read from meta/test.txt, meta/train.txt" in dataset.notes


def test_what_no_list_names_is_read_as_train_and_told(tmp_path):
    class_folders(tmp_path)
    write_lists(tmp_path, testing_list=(3, 9))
    dataset = load_dataset(tmp_path)
    assert dataset.split("test").counts() == dict.fromkeys(NAMES, 1)
    assert dataset.split("train").counts() == dict.fromkeys(NAMES, 3)
    assert dataset.notes == (
        "the splits are read from testing_list.txt",
        "9 pictures in none of these lists, read as train",
        "3 names in these lists, of no picture or of several, left out",
    )


TOLD = [(name, number, "test" if number == 3 else "train") for name in NAMES for number in range(4)]
TABLES = {
    "splits.csv": "image,split\n" + "".join(f"{n}/{i}_{n}.png,{split}\n" for n, i, split in TOLD),
    "labels.csv": "image,label,set\n" + "".join(f"{i}_{n}.png,{n},{split}\n" for n, i, split in TOLD),
    "split.json": json.dumps(
        {s: [f"{n}/{i}_{n}.png" for n, i, own in TOLD if own == s] for s in ("train", "test")}
    ),
    "metadata.jsonl": "\n".join(
        json.dumps({"file_name": f"{n}/{i}_{n}.png", "label": n, "split": split}) for n, i, split in TOLD
    ),
    "test.csv": "filename,label\n" + "".join(f"{n}/3_{n}.png,{n}\n" for n in NAMES),
    "test.tsv": "".join(f"{n}/3_{n}.png\t{n}\n" for n in NAMES),
    "test.txt": "".join(f"/home/me/faces/{n}/3_{n}.png 2\n" for n in NAMES),
}


@pytest.mark.parametrize("name", TABLES)
def test_splits_in_other_lists_are_taken_and_said(tmp_path, name):
    class_folders(tmp_path)
    (tmp_path / name).write_text(TABLES[name])
    dataset = load_dataset(tmp_path)
    assert labels_of(dataset) == {f"{number}_{one}.png": (one, split) for one, number, split in TOLD}
    assert f"the splits are read from {name}" in dataset.notes


def test_a_picture_in_the_lists_of_two_splits_is_refused(tmp_path):
    class_folders(tmp_path)
    write_lists(tmp_path, train=(0, 1, 2), test=(2, 3))
    with pytest.raises(
        EdgeError, match=r"2_angry.png is test in test.txt and train in train.txt; expected each picture"
    ):
        load_dataset(tmp_path)


def test_lists_of_a_cross_validation_are_said_and_not_used(tmp_path):
    class_folders(tmp_path)
    for fold in range(2):
        for split, numbers in (("train", {0, 1, 2, 3} - {fold}), ("val", {fold})):
            lines = [f"{name}/{number}_{name}.png" for name in NAMES for number in numbers]
            (tmp_path / f"{split}_fold{fold}.csv").write_text("\n".join(["image", *lines]))
    dataset = load_dataset(tmp_path)
    assert dataset.split("train").counts() == dict.fromkeys(NAMES, 4)
    assert any("several ways to split and are not used" in note for note in dataset.notes)


def test_pipes_in_place_of_lists_are_passed_over(tmp_path):
    class_folders(tmp_path)
    for name in ("train.txt", "test.csv", "split.json", "metadata.jsonl"):
        os.mkfifo(tmp_path / name)
    assert load_dataset(tmp_path).counts() == dict.fromkeys(NAMES, 4)


def test_a_text_of_something_else_tells_no_split(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "test.txt").write_text("read me before the test\n")
    (tmp_path / "train.txt").write_text("")
    dataset = load_dataset(tmp_path)
    assert dataset.present_splits() == ("train",)
    assert dataset.notes == ()


def test_folders_that_tell_splits_need_no_list(tmp_path):
    for split in ("train", "test"):
        class_folders(tmp_path / split, 2)
    write_lists(tmp_path, "{name}/{number}_{name}.png", test=(0, 1))
    dataset = load_dataset(tmp_path)
    assert dataset.split("train").counts() == dataset.split("test").counts() == dict.fromkeys(NAMES, 2)
