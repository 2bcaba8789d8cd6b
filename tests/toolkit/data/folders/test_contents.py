"""What is said of a folder in which no data set is found."""

import json

import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from .test_picture_lists import pictures


@pytest.mark.parametrize(
    ("name", "start", "said"),
    [
        ("archive/train.zip", b"PK\x03\x04", "archive/train.zip is a zip archive; unpack it first"),
        (
            "train/data-00000-of-00001.arrow",
            b"\xff\xff\xff\xff",
            r"is an Arrow file; write each split as parquet: ",
        ),
        (
            "1.0.0/fer-train.tfrecord-00000-of-00002",
            b"\x10\0\0\0",
            r"is a TFRecord file; write its faces as PNG",
        ),
        (
            "train.lmdb/data.mdb",
            bytes(16) + b"\xde\xc0\xef\xbe",
            r"train.lmdb/data.mdb is an LMDB database; write",
        ),
    ],
)
def test_a_foreign_file_is_named_wherever_it_lies(tmp_path, name, start, said):
    file = tmp_path / "faces" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(start + bytes(64))
    (tmp_path / "faces" / "dataset_dict.json").write_text("{}")
    with pytest.raises(EdgeError, match=f"holds no images, and .*{said}"):
        load_dataset(tmp_path / "faces")


def test_json_alone_is_named(tmp_path):
    (tmp_path / "faces.json").write_text("{}")
    with pytest.raises(EdgeError, match=r"holds no images, and faces\.json is JSON; write its faces as PNG"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (".", "images but no folder for each class, and {}, from which no label is read; expected train/"),
        (
            "images",
            "images of one class alone, 'images', and {}, from which no label is read; put the pictures",
        ),
    ],
)
@pytest.mark.parametrize("labels", ["annotations.xml", "deeper/_annotations.coco.json"])
def test_labels_that_are_not_read_are_named(tmp_path, place, said, labels):
    pictures(tmp_path / place)
    (tmp_path / labels).parent.mkdir(exist_ok=True)
    (tmp_path / labels).write_text('{"images": [{"file_name": "0.png"}]}')
    with pytest.raises(EdgeError, match=said.format(labels)):
        load_dataset(tmp_path)


@pytest.mark.parametrize(("place", "label"), [(".", "happy"), (".", "calm"), ("happy", None)])
def test_one_class_alone_is_not_told_of_labels_that_are_read_or_of_other_json(tmp_path, place, label):
    pictures(tmp_path / place)
    told = {f"{number}.png": label for number in range(6)} if label else {"title": "faces"}
    (tmp_path / "facts.json").write_text(json.dumps(told))
    with pytest.raises(EdgeError, match=rf"at least two classes; received 1 \({label or place}\)"):
        load_dataset(tmp_path)
