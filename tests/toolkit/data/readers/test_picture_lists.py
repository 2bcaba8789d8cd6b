"""Pictures whose labels stand in lists beside them."""

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import make_faces, write_image

NAMES = ("angry", "happy", "sad")


def pictures(folder, count=6, name="{}.png"):
    for number, face in enumerate(make_faces(count)):
        write_image(folder / name.format(number), face)


def labels_of(dataset):
    """Return class and split of each picture, by its file's name."""
    return {
        str(name).rpartition("/")[2]: (dataset.classes[label], str(split))
        for name, label, split in zip(dataset.names, dataset.labels, dataset.splits, strict=True)
    }


EXPECTED = {f"{number}.png": (NAMES[number % 3], "train") for number in range(6)}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,label", "{n}.png,{label}"),
        ("user.id;image;emotion", "628;{n}.png;{label}"),
        (",pth,label,relFCs", "{n},faces\\{n}.png,{label},0.5"),
        ("id,expression,split", "{n},{label},training"),
        ("filename, angry, happy, sad", "{n}.png, {angry}, {happy}, {sad}"),
    ],
)
@pytest.mark.parametrize("place", [".", "faces"])
def test_a_table_of_pictures_is_read(tmp_path, header, row, place):
    pictures(tmp_path / place)
    lines = [header]
    for number in range(6):
        label = NAMES[number % 3]
        one_hot = {name: int(name == label) for name in NAMES}
        lines.append(row.format(n=number, label=label, **one_hot))
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    for path in (tmp_path, tmp_path / "labels.csv"):
        dataset = load_dataset(path)
        assert labels_of(dataset) == EXPECTED
        assert dataset.notes == ("the labels are read from labels.csv",)


def test_a_table_without_names_of_columns_is_a_list(tmp_path):
    pictures(tmp_path / "img")
    lines = [f"img/{number}.png,{NAMES[number % 3]}" for number in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    assert labels_of(load_dataset(tmp_path)) == EXPECTED


def test_lists_by_split_are_splits_and_pictures_in_none_are_counted(tmp_path):
    pictures(tmp_path / "img", 8)
    lines = [f"img/{number}.png {NAMES[number % 3]}" for number in range(6)]
    (tmp_path / "train.txt").write_text("\n".join(lines[:4]))
    (tmp_path / "test.txt").write_text("\n".join(lines[4:]) + "\n")
    dataset = load_dataset(tmp_path)
    assert list(dataset.splits) == ["train"] * 4 + ["test"] * 2
    assert dataset.notes[-1] == "2 pictures in no list of labels, left out"


def test_raf_db_as_it_is_published(tmp_path):
    for split in ("train", "test"):
        pictures(tmp_path / "Image/aligned", 7, f"{split}_0000{{}}_aligned.png")
        pictures(tmp_path / "Image/original", 7, f"{split}_0000{{}}.png")
    lines = [f"{split}_0000{n}.jpg {n + 1}" for split in ("train", "test") for n in range(7)]
    (tmp_path / "EmoLabel").mkdir()
    (tmp_path / "EmoLabel/list_patition_label.txt").write_text("\n".join(lines))
    found = labels_of(load_dataset(tmp_path))
    assert found["train_00000_aligned.png"] == ("surprise", "train")
    assert found["test_00006_aligned.png"] == ("neutral", "test")
    assert len(found) == 14


def test_affectnet_as_it_is_published(tmp_path):
    for split in ("train_set", "val_set"):
        pictures(tmp_path / split / "images", 5)
        (tmp_path / split / "annotations").mkdir()
        for number, label in enumerate(("0", "1", "7", "6", "10")):
            np.save(tmp_path / split / "annotations" / f"{number}_exp.npy", np.array(label))
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("angry", "happy", "neutral", "contempt")
    assert labels_of(dataset.split("validation"))["2.png"] == ("contempt", "validation")
    assert "2 pictures in no list of labels, left out" in dataset.notes


def test_a_list_of_what_is_not_there_is_one_line(tmp_path):
    pictures(tmp_path, 2)
    (tmp_path / "labels.csv").write_text("image,label\n0.png,happy\n1.png,sad\n9.png,sad\n")
    with pytest.raises(EdgeError, match=r"1 of 2 images of class 'sad' are broken.*9\.png: No such file"):
        load_dataset(tmp_path)
    (tmp_path / "labels.csv").write_text("image,label\n0.png,\n")
    with pytest.raises(EdgeError, match="row 1: expected a label"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("image,lable", "has the columns image, lable; expected image and label (and split)"),
        ("Photo,label,fold", "has the columns Photo, label, fold; expected image and label (and split)"),
        ("", "is empty; expected image and label (and split)"),
    ],
)
@pytest.mark.parametrize("place", [".", "faces"])
def test_a_table_of_other_columns_is_named_with_them(tmp_path, header, told, place):
    pictures(tmp_path / place)
    rows = [f"{number}.png,{NAMES[number % 3]}" + ",1" * (header.count(",") - 1) for number in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join([header, *rows]) if header else "")
    for path in (tmp_path, tmp_path / "labels.csv"):
        with pytest.raises(EdgeError) as raised:
            load_dataset(path)
        assert f"labels.csv {told}" in str(raised.value)


def test_a_table_of_something_else_beside_folders_of_classes_is_passed_over(tmp_path):
    for name in NAMES:
        pictures(tmp_path / name, 2)
    (tmp_path / "metadata.csv").write_text("image,age\n0.png,30\n")
    assert load_dataset(tmp_path).classes == NAMES
