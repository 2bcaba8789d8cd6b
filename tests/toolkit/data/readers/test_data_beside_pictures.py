"""Shards and tables of faces beside pictures that are none of the data."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.data.readers.loading import load_dataset

from ..conftest import csv_row, make_faces, png, write_csv
from ..folders.test_picture_lists import pictures


def write_shards(folder):
    folder.mkdir()
    for split in ("train", "test"):
        images = [{"bytes": png(face), "path": None} for face in make_faces(6, len(split))]
        pq.write_table(
            pa.table({"image": images, "label": ["happy", "sad"] * 3}), folder / f"{split}-0.parquet"
        )


def write_faces(folder):
    folder.mkdir()
    rows = [csv_row(3 + number % 2, face, "Training") for number, face in enumerate(make_faces(12))]
    write_csv(folder / "faces.csv", rows)


@pytest.mark.parametrize("write", [write_shards, write_faces])
@pytest.mark.parametrize("stray", ["cover.png", "assets/teaser.png"])
def test_a_stray_picture_hides_no_data(tmp_path, write, stray):
    write(tmp_path / "data")
    pictures((tmp_path / stray).parent, 1, "cover.png")
    counts = load_dataset(tmp_path).counts()
    assert {name: number for name, number in counts.items() if number} == {"happy": 6, "sad": 6}


@pytest.mark.parametrize("write", [write_shards, write_faces])
def test_class_folders_go_before_it_and_that_is_said(tmp_path, write):
    write(tmp_path / "data")
    for name in ("happy", "sad"):
        pictures(tmp_path / "samples" / name, 2)
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == {"happy": 2, "sad": 2}
    assert any(note.startswith("the pictures in folders are read, and data/") for note in dataset.notes)


@pytest.mark.parametrize("write", [write_shards, write_faces])
def test_pictures_with_a_list_of_labels_go_before_it(tmp_path, write):
    pictures(tmp_path / "images", 4)
    lines = [f"{number}.png,{('angry', 'fear')[number % 2]}" for number in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *lines]))
    write(tmp_path / "data")
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == {"angry": 2, "fear": 2}
    assert any(note.startswith("the pictures in folders are read, and data/") for note in dataset.notes)


def test_a_table_of_features_is_none_of_faces(tmp_path):
    pictures(tmp_path / "images", 4)
    header = ",".join(["image", "label", *(f"feature_{number}" for number in range(300))])
    rows = [f"{number}.png,{('angry', 'fear')[number % 2]}" + ",-0.5" * 300 for number in range(4)]
    (tmp_path / "features.csv").write_text("\n".join([header, *rows]))
    assert load_dataset(tmp_path).counts() == {"angry": 2, "fear": 2}
