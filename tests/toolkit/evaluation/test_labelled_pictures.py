"""Whole pictures and what tells their classes or boxes; no detector or model looks at them here."""

import os

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.evaluation.labelled_pictures import labelled_pictures


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.zeros((480, 640), np.uint8))


def test_persons_in_folders_by_class_are_read_and_what_stands_beside_is_said(tmp_path, caplog):
    for place in ("happy/anna/a.png", "happy/b.png", "sad/ben/more/c.png", "loose.png", "sad/._c.png"):
        write(tmp_path / place)
    found = labelled_pictures(tmp_path)
    told = [(one.label, str(one.path.relative_to(tmp_path))) for one in found]
    assert sorted(told) == [
        ("happy", "happy/anna/a.png"),
        ("happy", "happy/b.png"),
        ("sad", "sad/ben/more/c.png"),
    ]
    assert "1 picture right in" in caplog.text


def classes_in(root):
    return {str(one.path.relative_to(root)): one.label for one in labelled_pictures(root)}


def test_classes_of_whole_pictures_are_told_as_those_of_a_data_set(tmp_path):
    for place in ("splits/test/happy/a.png", "splits/test/sad/b.png", "listed/a.png", "listed/b.png"):
        write(tmp_path / place)
    (tmp_path / "splits/test/sad/c.mp4").write_bytes(b"")
    (tmp_path / "listed/labels.csv").write_text("image,label\na.png,1\nb.png,0\n")
    (tmp_path / "listed/classes.txt").write_text("sad\nhappy\n")
    assert classes_in(tmp_path / "splits") == {
        "test/happy/a.png": "happy",
        "test/sad/b.png": "sad",
        "test/sad/c.mp4": "sad",
    }
    assert classes_in(tmp_path / "listed") == {"a.png": "happy", "b.png": "sad"}


def test_of_several_splits_the_one_that_judges_is_measured_and_the_rest_told(tmp_path, caplog):
    for place in (
        "train/happy/a.png",
        "train/sad/b.png",
        "test/happy/c.png",
        "test/sad/d.png",
        "extra/e.png",
    ):
        write(tmp_path / place)
    assert set(classes_in(tmp_path)) == {"test/happy/c.png", "test/sad/d.png"}
    assert "2 pictures of other splits than 'test' left out" in caplog.text
    assert "'extra'" in caplog.text
    for place in ("train/happy/f.mp4", "test/sad/g.mp4"):
        (tmp_path / place).write_bytes(b"")
    assert set(classes_in(tmp_path)) == {"test/happy/c.png", "test/sad/d.png", "test/sad/g.mp4"}


def test_persons_in_the_one_class_there_is_are_no_classes(tmp_path):
    for place in ("happy/anna/a.png", "happy/ben/b.png"):
        write(tmp_path / place)
    assert set(classes_in(tmp_path).values()) == {"happy"}


def test_films_alone_are_labelled_too_and_pictures_of_no_class_are_told(tmp_path, caplog):
    for place in ("happy/a.mp4", "sad/b.gif"):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).write_bytes(b"")
    assert classes_in(tmp_path) == {"happy/a.mp4": "happy", "sad/b.gif": "sad"}
    assert not caplog.records
    (tmp_path / "happy/a.mp4").unlink()
    (tmp_path / "sad/b.gif").unlink()
    write(tmp_path / "loose.png")
    with pytest.raises(EdgeError, match="no folder for each class"):
        labelled_pictures(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"boxes_xywh": {"a.png": [[1, 2, 3]]}}', '{"boxes_xywh": {"a.png": [[1, 2, 0, 5]]}}',
                '{"boxes_xywh": {"a.png": [{"label": "sad"}]}}', '{"boxes_xywh": {"a.png": [[NaN, 2, 3, 5]]}}',
                '{"boxes_xywh": {"a.png": [{"box": [1, 2, 3, 4], "label": 5}]}}', '{"boxes_xywh": {}}',
                pytest.param('{"boxes_xywh": {"a.png": [' + "[1, 2, 3, 4], " * 5000 + "[1, 2, 3, 4]]}}", id="many")],
)  # fmt: skip
def test_a_broken_file_of_boxes_is_refused_in_a_line(tmp_path, content):
    (tmp_path / "faces.json").write_text(content)
    with pytest.raises(EdgeError, match=r"faces\.json") as refused:
        labelled_pictures(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_pipe_in_place_of_boxes_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "faces.json")
    with pytest.raises(EdgeError, match=r"cannot read .*faces\.json: it is no regular file"):
        labelled_pictures(tmp_path)
