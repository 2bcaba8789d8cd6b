"""Data sets larger than memory: the faces stay on disk."""

import re
from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.copies import without_leaks
from toolkit.data.files import face_store
from toolkit.data.readers.loading import load_dataset
from toolkit.data.splits import hold_out
from toolkit.data.stored_faces import StoredFaces

from .conftest import csv_row, make_faces, write_csv


def anonymous_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.setattr(face_store, "free_memory_bytes", lambda: 0)


@pytest.mark.parametrize("layout", ["split_folders", "kaggle_csv"])
def test_a_data_set_on_disk_is_the_same_data_set(layout, request, monkeypatch):
    path = request.getfixturevalue(layout)
    near = load_dataset(path)
    monkeypatch.setattr(face_store, "free_memory_bytes", lambda: 0)
    far = load_dataset(path)
    assert isinstance(far.images, StoredFaces)
    assert far.images.shape == near.images.shape
    assert far.fingerprint() == near.fingerprint()
    assert np.array_equal(np.asarray(far.images), near.images)
    assert np.array_equal(np.stack(list(far.images)), near.images)
    rows = np.array([5, 0, 5, 20])
    assert np.array_equal(far.images[rows], near.images[rows])
    assert np.array_equal(far.images[3], near.images[3])
    train = far.split("train")
    assert isinstance(train.images, StoredFaces)
    assert train.fingerprint() == near.split("train").fingerprint()
    parted = hold_out(far, 0.4, seed=1)
    assert np.array_equal(parted.splits, hold_out(near, 0.4, seed=1).splits)
    left = without_leaks(train, far.select(np.flatnonzero(far.splits == "train")[:2]))
    assert len(left) == len(train) - 2


def test_memory_stays_flat(tmp_path, no_memory):
    rows = [csv_row(number % 2, face, "Training") for number, face in enumerate(make_faces(200))]
    write_csv(tmp_path / "few.csv", rows)
    write_csv(tmp_path / "many.csv", rows * 10)
    del rows
    load_dataset(tmp_path / "few.csv").split("train")  # what Python needs once
    before = anonymous_bytes()
    dataset = load_dataset(tmp_path / "many.csv")
    train = dataset.split("train")
    for start in range(0, 2000, 128):
        train.images[start : start + 128].sum()
    assert anonymous_bytes() - before < 2000 * 48 * 48 / 4
    assert len(train) == 2000


def test_the_file_on_disk_has_no_name_and_a_full_disk_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(face_store, "DISK_FOLDER", tmp_path)
    store = face_store.new_face_store(10, memory_bytes=0)
    store[:] = 7
    assert list(tmp_path.iterdir()) == []
    assert (store == 7).all()
    with pytest.raises(EdgeError, match=r"no room for .* GiB of decoded faces"):
        face_store.new_face_store(2**38, memory_bytes=0)
