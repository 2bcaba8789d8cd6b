"""Class folders with numbers for names, or numbers in them."""

import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import make_faces, write_image
from .test_class_folders import fill


def test_numbered_classes_are_named_by_a_file_beside_them(tmp_path):
    for number in (1, 2, 10):
        fill(tmp_path, str(number), 2)
    assert "classes.txt with a line a class" in " ".join(load_dataset(tmp_path).notes)
    (tmp_path / "classes.txt").write_text("Surprise\nfear\nAnger\n")
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("angry", "fear", "surprise")
    row = list(dataset.names).index("10/000.png")
    assert dataset.classes[dataset.labels[row]] == "angry"
    (tmp_path / "classes.txt").write_text("one\n")
    with pytest.raises(
        EdgeError, match=r"names 1 classes, and the data has 3: 1, 2, 10;.* such as '1 happy'"
    ):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "lines",
    [
        "3 happy\n0 angry\n2 fear\n",
        "happy: 3\nangry: 0\nfear: 2\n",
        "3,Happy\n2,Fear\n0,Anger\n5,Sad\n",
        "0. angry\n1. disgust\n2. fear\n3. happy\n",
        "angry\ndisgust\nfear\nhappy\nsad\n",  # in order, from 0, more than there are faces of
        "angry\nfear\nhappy\n",  # in order, as many as there are numbers
    ],
)
def test_a_number_beside_a_class_s_name_counts(lines, tmp_path):
    for number in (0, 2, 3):
        fill(tmp_path, str(number), 2)
    (tmp_path / "classes.txt").write_text(lines)
    dataset = load_dataset(tmp_path)
    named = {
        name[0]: dataset.classes[label] for name, label in zip(dataset.names, dataset.labels, strict=True)
    }
    assert named == {"0": "angry", "2": "fear", "3": "happy"}


@pytest.mark.parametrize(
    "lines", ["0 angry\n2 fear\n", "class 1\nclass 2\nclass 3\nclass 4\n", f"{'9' * 5000} sad\n"]
)
def test_a_number_without_a_name_is_refused(lines, tmp_path):
    for number in (1, 2, 3):
        fill(tmp_path, str(number), 2)
    (tmp_path / "classes.txt").write_text(lines)
    with pytest.raises(EdgeError, match=r"the data has 3: 1, 2, 3; expected a line for each number"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("spell", ["0_{}", "{}_1", "03-{}", "1. {}"])
def test_numbered_names_are_the_expressions(tmp_path, spell):
    for name in ("Suprise", "happiness"):
        fill(tmp_path, spell.format(name), 1)
    assert load_dataset(tmp_path).classes == ("happy", "surprise")


@pytest.mark.parametrize("splits", [(".",), ("train", "test")])
def test_classes_that_differ_by_a_number_alone_may_be_persons_and_that_is_said(tmp_path, splits):
    for folder in (f"{split}/{name}" for split in splits for name in ("Actor_01", "Actor_02")):
        write_image(tmp_path / folder / "0.png", make_faces(1)[0])
    (note,) = load_dataset(tmp_path).notes
    assert note.startswith(
        "Actor_01, Actor_02 are read as classes; if those are persons or films, put the pictures"
    )


def test_numbered_classes_are_no_persons(tmp_path):
    for name in ("class_0", "class_1"):
        write_image(tmp_path / name / "0.png", make_faces(1)[0])
    assert not load_dataset(tmp_path).notes
