"""AffectNet in YOLO's layout: train/images/1.png beside train/labels/1.txt, the classes in data.yaml."""

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

pytestmark = pytest.mark.toolkit

NAMES = {
    "in brackets": "train: ../train/images\nnc: 3\nnames: ['Anger', 'Happy', \"Sad\"]\n",
    "in brackets, broken": "names: [Anger,\n  Happy,\n  Sad]\nnc: 3\n",
    "in lines": "names:\n- Anger\n- Happy\n- Sad\nnc: 3\n",
    "by number": "path: .\nnames:\n  0: Anger\n  1: Happy\n  2: Sad\n",
    "by number, in another order": "names:\n  2: Sad\n  0: Anger  # of all kinds\n  1: 'Happy'\n",
    "by number, in braces": "names: {1: Happy, 0: Anger, 2: Sad}\n",
    "by number, more of them": "names: {7: Neutral, 1: Happy, 0: Anger, 2: Sad}\n",
    "in brackets, with remarks": "names: [Anger, # the first\n  Happy, # the second\n  Sad]\n",
}


@pytest.fixture
def faces(tmp_path):
    """Six pictures in each of two splits, 0.png of class 0, 1.png of class 1, and so on; 5.png shows no face."""
    rng = np.random.default_rng(5)
    for split in ("train", "valid"):
        for folder in ("images", "labels"):
            (tmp_path / split / folder).mkdir(parents=True)
        for number in range(6):
            picture = cv2.resize(rng.integers(0, 256, (6, 6), dtype=np.uint8), (48, 48))
            cv2.imwrite(str(tmp_path / split / "images" / f"{number}.png"), picture)
            box = f"{number % 3} 0.5 0.48 0.81 0.9\n" if number < 5 else ""
            (tmp_path / split / "labels" / f"{number}.txt").write_text(box)
    (tmp_path / "data.yaml").write_text(NAMES["in brackets"])
    return tmp_path


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_the_class_of_the_box_is_that_of_the_picture(faces, names):
    (faces / "data.yaml").write_text(names)
    dataset = load_dataset(faces)
    assert dataset.classes == ("angry", "happy", "sad")
    assert dataset.counts() == {"angry": 4, "happy": 4, "sad": 2}
    assert sorted(dataset.present_splits()) == ["train", "validation"]
    found = dict(zip(dataset.names, dataset.labels, strict=True))
    assert found["valid/images/4.png"] == dataset.classes.index("happy")
    assert "2 pictures in no list of labels, left out" in dataset.notes
    assert any("read from the boxes in labels/" in note for note in dataset.notes)


def test_splits_may_stand_in_images_and_names_in_classes_txt(faces, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for folder in ("images", "labels"):
        (other / folder).mkdir()
        for split in ("train", "valid"):
            (faces / split / folder).rename(other / folder / split)
    (other / "classes.txt").write_text("angry\nhappy\nsad\n")
    dataset = load_dataset(other)
    assert dataset.counts() == {"angry": 4, "happy": 4, "sad": 2}
    assert sorted(dataset.present_splits()) == ["train", "validation"]


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (
            "1 0.5 0.5 0.9 0.9\n2 0.2 0.2 0.1 0.1\n",
            "has 2 boxes, the first 0.90 by 0.90 .*cut out by their boxes",
        ),
        ("1 0.3 0.3 0.2 0.2\n", "has 1 boxes, the first 0.20 by 0.20 .*cut out by their boxes"),
        ("1 0.5 0.5 0.9\n", "holds no box; expected class, x, y, width, height"),
        ("1 0.5 0.5 0.9 nan\n", "holds no box"),
        ("-1 0.5 0.5 0.9 0.9\n", "holds no box"),
        ("happy 0.5 0.5 0.9 0.9\n", "cannot read .*expected lines of class"),
        ("7 0.5 0.5 0.9 0.9\n", r"names the class 7; data\.yaml has 0, 1, 2"),
    ],
)
def test_what_is_no_face_that_fills_its_picture_is_refused(faces, boxes, words):
    (faces / "train/labels/2.txt").write_text(boxes)
    with pytest.raises(EdgeError, match=rf"train/labels/2\.txt.*{words}|{words}"):
        load_dataset(faces)


@pytest.mark.parametrize(
    ("names", "words"),
    [(b"names: [W\xfctend, Freude, Trauer]\n", "codec"), (b"#" * 70_000, "expected at most 64")],
)
def test_names_that_cannot_be_read_are_one_line(faces, names, words):
    (faces / "data.yaml").write_bytes(names)
    with pytest.raises(
        EdgeError, match=rf"cannot read .*data\.yaml: .*{words}.*; expected the names of the classes"
    ):
        load_dataset(faces)
