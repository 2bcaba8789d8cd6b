"""Parquet files as Hugging Face ``datasets`` writes them, written by pyarrow itself."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is missing; pip install pyarrow")
import pyarrow.parquet as pq

from device.errors import EdgeError
from toolkit.data.files import kept_faces
from toolkit.data.readers.loading import load_dataset
from toolkit.data.stored_faces import StoredFaces

from ..conftest import PEAK, make_faces, png

NAMES = ("anger", "happiness", "sad")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fer-edge" / "faces"


def write(path, pictures, labels, names=NAMES, label_type=None, columns=("image", "label")) -> None:
    """Write image files (bytes, or None) and labels; the schema declares ``names`` where there are some."""
    features = {columns[0]: {"_type": "Image"}, columns[1]: {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else None
    fields = [(columns[0], IMAGE), (columns[1], label_type or pa.int64())]
    images = [{"bytes": content, "path": None} for content in pictures]
    table = pa.table(dict(zip(columns, (images, labels), strict=True)), pa.schema(fields, metadata))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=4)


@pytest.fixture
def repository(tmp_path, faces):
    """A data set's repository: two training files of 6 rows, one of validation, 6, and of test, 3."""
    root, encoded = tmp_path / "repository", [png(face) for face in faces]
    for name, rows in {
        "train-00000-of-00002": range(6),
        "train-00001-of-00002": range(6, 12),
        "validation-00000-of-00001": range(12, 18),
        "test-00000-of-00001": range(18, 21),
    }.items():
        write(root / "data" / f"{name}.parquet", [encoded[row] for row in rows], [row % 3 for row in rows])
    (root / "README.md").write_text("a card")
    return root


def test_rows_become_faces_by_the_names_in_the_schema(repository, faces):
    dataset = load_dataset(repository)
    assert dataset.classes == ("angry", "happy", "sad")
    assert {name: len(dataset.split(name)) for name in dataset.present_splits()} == {
        "train": 12, "validation": 6, "test": 3,
    }  # fmt: skip
    train = dataset.split("train")
    assert np.array_equal(np.asarray(train.images), faces[:12])
    assert train.labels.tolist() == [0, 1, 2] * 4
    assert train.names[7] == "train-00001-of-00002.parquet, row 2"
    assert "label 'happiness' is read as class 'happy'" in dataset.remarks()
    assert dataset.formats == {"48x48 gray": 21}


def test_a_file_alone_is_read_too(repository, faces):
    path = repository / "data" / "validation-00000-of-00001.parquet"
    dataset = load_dataset(path)
    assert dataset.present_splits() == ("validation",)
    assert np.array_equal(np.asarray(dataset.images), faces[12:18])
    path.rename(repository / "faces.parquet")
    assert load_dataset(repository / "faces.parquet").present_splits() == ("train",)


def test_decoded_faces_are_kept_until_the_files_change(repository, cache, monkeypatch):
    first = load_dataset(repository)
    assert isinstance(first.images, StoredFaces)
    monkeypatch.setattr("toolkit.data.shards.shard_files.decode_face", None)  # what decodes again fails
    again = load_dataset(repository)
    assert again.fingerprint() == first.fingerprint()
    assert (again.classes, again.notes, again.formats) == (first.classes, first.notes, first.formats)
    assert np.array_equal(again.names, first.names)
    assert np.array_equal(again.splits, first.splits)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    (home,) = cache.iterdir()
    (before,) = home.iterdir()
    expected = first.fingerprint()
    del first, again
    columns = kept_faces.COLUMNS
    for name, size in ((kept_faces.FACES, 100), (columns, 0), (columns, 900), (kept_faces.FACTS, 9)):
        os.truncate(before / name, size)  # a disk that lost something
        assert load_dataset(repository).fingerprint() == expected
    (before / kept_faces.FACTS).write_text("[" * 100_000)
    assert load_dataset(repository).fingerprint() == expected
    write(
        repository / "data" / "test-00000-of-00001.parquet",
        [png(face) for face in make_faces(4, 9)],
        [0, 1, 2, 0],
    )
    assert len(load_dataset(repository)) == 22
    (after,) = home.iterdir()  # the former ones are gone
    os.utime(repository / "data" / "test-00000-of-00001.parquet", (0, 0))  # another file of the same size
    load_dataset(repository)
    (last,) = home.iterdir()
    assert len({before, after, last}) == 3
    assert home.stat().st_mode & 0o077 == 0


def test_where_nothing_can_be_kept_the_faces_are_read_all_the_same(repository, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    dataset = load_dataset(repository)
    assert len(dataset) == 21
    assert dataset.fingerprint() == load_dataset(repository).fingerprint()


def test_a_damaged_picture_is_left_out_and_too_many_are_refused(tmp_path):
    encoded = [png(face) for face in make_faces(400)]
    encoded[7], encoded[8] = encoded[7][:-20], None
    write(tmp_path / "a.parquet", encoded, [row % 2 for row in range(400)])
    dataset = load_dataset(tmp_path / "a.parquet")
    assert len(dataset) == 398
    remark = dataset.remarks()[-1]
    assert "2 broken images left out: a.parquet, row 8 (a PNG without its end" in remark
    assert "a.parquet, row 9 (no picture, at most a path to one" in remark
    write(tmp_path / "b.parquet", encoded[:20], [row % 2 for row in range(20)])
    with pytest.raises(EdgeError, match=r"1 of 10 images of class 'happy' are broken.*b.parquet, row 8"):
        load_dataset(tmp_path / "b.parquet")
    assert len(load_dataset(tmp_path / "b.parquet", lenient=True)) == 18
    with pytest.raises(EdgeError, match="are broken"):  # kept, and refused again
        load_dataset(tmp_path / "b.parquet")


def test_files_that_are_no_parquet_or_damaged_are_one_line(tmp_path, repository):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(EdgeError, match="a Git LFS pointer, not the file itself; run 'git lfs pull'"):
        load_dataset(path)
    path.write_bytes(b"no parquet")
    with pytest.raises(EdgeError, match=r"cannot read .*a\.parquet as parquet: .*; fetch or write it again"):
        load_dataset(path)
    whole = (repository / "data" / "train-00000-of-00002.parquet").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EdgeError, match=r"cannot read .*a\.parquet as parquet"):
        load_dataset(path)
    path.write_bytes(whole[:4] + b"\xff" * 400 + whole[404:])
    with pytest.raises(EdgeError, match=r"cannot read .*a\.parquet as parquet"):
        load_dataset(path)


def test_folders_beside_each_other_are_said(repository, faces):
    assert "read together" not in "".join(load_dataset(repository).notes)
    write(repository / "cropped" / "train" / "0000.parquet", [png(faces[0])], [0])
    assert (
        "cropped, data are read together; name one of them to read it alone" in load_dataset(repository).notes
    )


def test_an_empty_split_is_noticed_and_files_of_no_split_are_left_out(repository, faces):
    write(repository / "data" / "validation-00000-of-00001.parquet", [], [])
    write(repository / "data" / "extra.parquet", [png(faces[0])], [0])
    dataset = load_dataset(repository)
    assert dataset.present_splits() == ("train", "test")
    assert "the 'validation' split holds no picture that can be read and is left out" in dataset.notes
    assert "'data/extra.parquet' tells no split by its name and is left out" in dataset.notes
    with pytest.raises(EdgeError, match="has no 'validation' split; it has: train, test"):
        dataset.split("validation")
    write(repository / "none.parquet", [], [])
    with pytest.raises(EdgeError, match="parquet files hold no labelled picture"):
        load_dataset(repository / "none.parquet")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("default/train/0000.parquet", "train"),
        ("fer-test-00000-of-00001.parquet", "test"),
        ("val.parquet", "validation"),
        ("test/dev-0.parquet", "validation"),
    ],
)
def test_the_split_stands_in_the_name(name, split, tmp_path, faces):
    write(tmp_path / "d" / name, [png(face) for face in faces[:3]], [0, 1, 2])
    assert load_dataset(tmp_path / "d").present_splits() == (split,)


def test_class_folders_beside_a_parquet_file_stay_folders(split_folders, faces):
    write(split_folders / "train.parquet", [png(face) for face in faces[:3]], [0, 1, 2])
    assert len(load_dataset(split_folders)) == 21


def one_picture_in_many_rows(path):
    """Its bytes stand in the file once, and all rows name them."""
    held = pa.DictionaryArray.from_arrays(
        pa.array([0] * 200, pa.int32()), pa.array([bytes(8 << 20)], pa.binary())
    )
    table = pa.table({"image": held, "label": [number % 2 for number in range(200)]})
    pq.write_table(table, path, compression="zstd", store_schema=False, dictionary_pagesize_limit=1 << 30)


def a_picture_of_much_nothing(path):
    table = pa.table({"image": pa.array([bytes(200 << 20)], pa.binary()), "label": [0]})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


@pytest.mark.parametrize("write_bomb", [one_picture_in_many_rows, a_picture_of_much_nothing])
def test_what_unpacks_to_far_more_than_the_file_holds_is_refused_before_memory_is_full(tmp_path, write_bomb):
    write_bomb(tmp_path / "train.parquet")
    with pytest.raises(
        EdgeError, match=r"train\.parquet has [\d,]+ bytes and unpacks to over [\d,]+; that is no data"
    ):
        load_dataset(tmp_path)


@pytest.mark.parametrize("rows_a_group", [100, 20_000])
def test_memory_stays_flat(rows_a_group, tmp_path):
    """20,000 pictures of 64x64, 84 MB of files in all; a process that reads them grows by less than half of that."""
    rng = np.random.default_rng(0)
    encoded = [png(rng.integers(0, 256, (64, 64), np.uint8)) for _ in range(250)]
    write(tmp_path / "few.parquet", encoded, [row % 3 for row in range(250)])
    schema = pa.schema([("image", IMAGE), ("label", pa.int64())])
    with pq.ParquetWriter(tmp_path / "many.parquet", schema) as out:
        for start in range(0, 20_000, rows_a_group):
            rows = range(start, start + rows_a_group)
            images = [{"bytes": encoded[row % 250], "path": None} for row in rows]
            out.write_table(pa.table({"image": images, "label": [row % 3 for row in rows]}, schema))
    size = 80 * sum(map(len, encoded))
    assert size > 80e6
    command = [sys.executable, "-c", PEAK, tmp_path / "few.parquet", tmp_path / "many.parquet", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < size / 2
