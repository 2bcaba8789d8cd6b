"""Folders of images by split and class."""

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.loading import load_dataset

from .conftest import make_faces, write_image


def test_splits_and_classes_of_any_spelling(split_folders, faces):
    dataset = load_dataset(split_folders)
    assert dataset.classes == ("angry", "happy", "sad")
    assert dataset.present_splits() == ("train", "validation", "test")
    assert dataset.counts() == {"angry": 3, "happy": 9, "sad": 9}
    assert "folder 'Happiness' is read as class 'happy'" in dataset.notes
    row = list(dataset.names).index("Train/Happiness/0.png")
    assert np.array_equal(dataset.images[row], faces[0])
    assert dataset.splits[row] == "train"
    assert dataset.classes[dataset.labels[row]] == "happy"


def test_other_class_names_stand_in_alphabetical_order_and_are_all_train(tmp_path):
    for number, name in enumerate(("zebra", "Ape", "mule")):
        write_image(tmp_path / name / "deeper" / "x.png", make_faces(1, number)[0])
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("Ape", "mule", "zebra")
    assert set(dataset.splits) == {"train"}


def test_asked_classes_choose_and_order(split_folders):
    dataset = load_dataset(split_folders, ("sad", "happiness"))
    assert dataset.classes == ("sad", "happy")
    assert dataset.counts() == {"sad": 9, "happy": 9}
    with pytest.raises(EdgeError, match=r"no class 'fear'.*it has: angry, happy, sad"):
        load_dataset(split_folders, ("sad", "fear"))


def test_hidden_files_and_other_files_are_not_images(split_folders):
    before = len(load_dataset(split_folders))
    (split_folders / "Train" / "sad" / "._1.png").write_bytes(b"resource fork")
    (split_folders / "Train" / "sad" / "notes.txt").write_text("hello")
    assert len(load_dataset(split_folders)) == before


def test_an_archive_in_a_folder_of_its_own(split_folders):
    assert len(load_dataset(split_folders.parent)) == 21


def fill(root, name, count, broken=0):
    for number, face in enumerate(make_faces(count, len(name))):
        write_image(root / name / f"{number:03d}.png", face)
    for number in range(broken):
        path = root / name / f"{count - 1 - number:03d}.png"
        path.write_bytes(path.read_bytes()[:200])


def test_one_broken_image_in_a_hundred_is_counted_and_named(tmp_path):
    fill(tmp_path, "happy", 100, broken=1)
    fill(tmp_path, "sad", 20)
    dataset = load_dataset(tmp_path)
    assert len(dataset) == 119
    assert [(image.name, image.label) for image in dataset.broken] == [("happy/099.png", "happy")]
    assert "cut off" in dataset.broken[0].reason
    assert "happy/099.png" not in set(dataset.names)
    [remark] = dataset.remarks()
    assert remark.startswith("1 broken image left out: happy/099.png (")


def test_more_than_one_in_a_hundred_of_a_class_is_fatal(tmp_path):
    fill(tmp_path, "happy", 99, broken=1)
    fill(tmp_path, "sad", 500)
    with pytest.raises(EdgeError, match=r"1 of 99 images of class 'happy' are broken.*happy/098\.png"):
        load_dataset(tmp_path)


def test_what_is_no_data_set_is_refused_in_one_line(tmp_path):
    with pytest.raises(EdgeError, match="no data at"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(EdgeError, match="holds nothing; expected"):
        load_dataset(tmp_path)
    write_image(tmp_path / "loose.png", make_faces(1)[0])
    with pytest.raises(EdgeError, match="images but no folder for each class"):
        load_dataset(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(EdgeError, match="images but no folder for each class"):
        load_dataset(tmp_path)


def test_one_class_is_refused(tmp_path):
    fill(tmp_path, "happy", 5)
    with pytest.raises(EdgeError, match=r"at least two classes; received 1 \(happy\)"):
        load_dataset(tmp_path)
