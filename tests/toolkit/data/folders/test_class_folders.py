"""Folders of images by split and class."""

import os
import shutil
import unicodedata

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import make_faces, write_image


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
    with pytest.raises(EdgeError, match=r"no class 'fear'[^?]*; it has: angry, happy, sad"):
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
    with pytest.raises(EdgeError, match="no data at /dev/zero; expected a folder"):
        load_dataset("/dev/zero")
    with pytest.raises(EdgeError, match="holds nothing; expected"):
        load_dataset(tmp_path)
    write_image(tmp_path / "loose.png", make_faces(1)[0])
    with pytest.raises(EdgeError, match="images but no folder for each class"):
        load_dataset(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(EdgeError, match="images but no folder for each class"):
        load_dataset(tmp_path)


def test_what_libjpeg_thinks_of_a_damaged_picture_stays_off_the_terminal(tmp_path, capfd):
    faces = make_faces(4)
    for number, face in enumerate(faces):
        write_image(tmp_path / "ab"[number % 2] / f"{number}.jpg", face)
    content = bytearray(cv2.imencode(".jpg", np.tile(faces[0], (8, 8)))[1].tobytes())
    middle = len(content) // 2
    content[middle : middle + 40] = b"\xff\xd8" * 20
    (tmp_path / "a" / "0.jpg").write_bytes(content)
    cv2.imread(str(tmp_path / "a" / "0.jpg"))
    assert "Corrupt JPEG data" in capfd.readouterr().err
    assert len(load_dataset(tmp_path)) == 4
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["ha\nppy", "sa\x1b[31md", "a" * 120, "\udcff"])
def test_a_class_whose_name_no_model_file_holds_is_refused(name, tmp_path):
    for number, face in enumerate(make_faces(4)):
        write_image(tmp_path / "set" / "0" / f"{number}.png", face)
    shutil.copytree(tmp_path / "set" / "0", tmp_path / "set" / name)
    with pytest.raises(EdgeError, match=r"a class is called '.*'; expected 1 to 100 printable") as raised:
        load_dataset(tmp_path / "set")
    assert str(raised.value).isprintable()
    assert len(load_dataset(tmp_path / "set", lenient=True)) == 8


def test_one_class_is_refused(tmp_path):
    fill(tmp_path, "happy", 5)
    with pytest.raises(EdgeError, match=r"at least two classes; received 1 \(happy\)"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("layout", ["images/train", "train/images"])
def test_a_detection_data_set_is_refused_with_what_to_do(tmp_path, layout):
    write_image(tmp_path / layout / "1.png", make_faces(1)[0])
    boxes = tmp_path / layout.replace("images", "labels")
    boxes.mkdir(parents=True)
    (boxes / "1.txt").write_text("0 0.5 0.5 0.1 0.1")
    with pytest.raises(EdgeError, match=r"data set for detection.*folder for each class"):
        load_dataset(tmp_path)


def test_a_class_of_unread_pictures_or_none_does_not_vanish(tmp_path):
    fill(tmp_path, "happy", 3)
    fill(tmp_path, "sad", 3)
    (tmp_path / "fear").mkdir()
    (tmp_path / "fear" / "notes.txt").write_text("no picture")
    assert "folder 'fear' holds no picture that can be read and is left out" in load_dataset(tmp_path).notes
    (tmp_path / "fear" / "1.HEIC").write_bytes(b"....ftypheic")
    with pytest.raises(
        EdgeError, match=r"1 of 1 images of class 'fear' are broken.*HEIC is not read; convert"
    ):
        load_dataset(tmp_path)


def test_many_pictures_are_decoded_once_and_broken_ones_leave_no_gap(tmp_path, monkeypatch):
    root = tmp_path / "faces"
    fill(root, "happy", 100, broken=1)
    fill(root, "angry", 120)
    (root / "angry" / "000.png").write_bytes(b"no picture")
    few = load_dataset(root)
    monkeypatch.setattr("toolkit.data.folders.class_folders.KEPT_FROM", 200)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    many = load_dataset(root)
    for name in ("names", "labels", "splits", "classes", "broken", "notes", "formats", "source", "synthetic"):
        assert np.array_equal(getattr(many, name), getattr(few, name)), name
    assert len(many) == 218
    assert np.array_equal(many.images[:], few.images)
    (file,) = (tmp_path / "cache").rglob("faces.u8")
    assert file.stat().st_size == 218 * 48 * 48
    with monkeypatch.context() as patch:
        patch.setattr("toolkit.data.folders.class_folders.read_face", None)  # nothing is decoded again
        assert np.array_equal(load_dataset(root).images[:], few.images)
    write_image(root / "happy" / "new.png", make_faces(1, 5)[0])
    assert len(load_dataset(root)) == 219


def test_a_folder_of_expressions_is_no_class(tmp_path):
    for group in ("men", "women"):
        for name in ("happy", "sad"):
            fill(tmp_path / group, name, 1)
    with pytest.raises(
        EdgeError, match=r"'men' holds a folder for each expression \(happy, sad\).*name the splits"
    ):
        load_dataset(tmp_path)


def test_pictures_without_a_class_are_counted(tmp_path):
    fill(tmp_path, "happy", 2)
    fill(tmp_path, "sad", 2)
    fill(tmp_path, "test", 3)
    assert load_dataset(tmp_path).notes == ("folder 'test' holds pictures without a class and is left out",)
    for name in ("happy", "sad"):
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "train" / name)
    [note] = load_dataset(tmp_path).notes
    assert "3 pictures right in" in note


def test_files_are_pictures_by_their_content_and_a_pipe_is_none(tmp_path):
    fill(tmp_path, "happy", 200)
    fill(tmp_path, "sad", 1)
    (tmp_path / "sad" / "000.png").rename(tmp_path / "sad" / "face")
    (tmp_path / "sad" / "Thumbs.db").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "sad" / "notes").write_text("no picture")
    os.mkfifo(tmp_path / "happy" / "pipe.png")
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == {"happy": 200, "sad": 1}
    assert [image.reason for image in dataset.broken] == ["it is no regular file"]


@pytest.mark.parametrize("above", [("learning", "holdout"), ("fold1", "fold2", "fold3"), ("anna", "ben")])
def test_folders_that_all_hold_the_same_folders_may_be_no_classes_and_that_is_said(tmp_path, above):
    for folder in above:
        for inner in ("Freude", "Trauer"):
            write_image(tmp_path / folder / inner / "0.png", make_faces(1)[0])
    dataset = load_dataset(tmp_path)
    assert dataset.classes == tuple(sorted(above))
    (note,) = dataset.notes
    assert note.startswith(
        f"{', '.join(sorted(above))} are read as classes, and each holds the folders Freude, Trauer;"
    )


def test_folders_of_people_inside_expressions_are_no_reason_for_a_remark(tmp_path):
    for folder in ("happy", "sad"):
        for person in ("anna", "ben"):
            write_image(tmp_path / folder / person / "0.png", make_faces(1)[0])
    assert load_dataset(tmp_path).notes == ()


def test_a_letter_in_one_or_two_characters_is_the_same_class(tmp_path):
    """macOS writes names of files decomposed; a zip keeps them so."""
    for split, form in (("train", "NFC"), ("test", "NFD")):
        for name in ("Überraschung", "Wut"):
            write_image(tmp_path / split / unicodedata.normalize(form, name) / "0.png", make_faces(1)[0])
    assert load_dataset(tmp_path).classes == ("Wut", "Überraschung")
