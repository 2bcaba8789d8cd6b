"""The synthetic faces that ship."""

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.readers.loading import load_dataset
from toolkit.data.synthesis import MARK, load_synthetic, read_sheet


def test_the_shipped_faces_are_balanced_different_and_say_what_they_are():
    dataset = load_synthetic()
    assert dataset.classes == FER2013_CLASSES
    assert set(dataset.counts().values()) == {64}
    assert len(np.unique(dataset.images.reshape(len(dataset), -1), axis=0)) == len(dataset)
    assert dataset.images.std(axis=(1, 2)).min() > 10
    assert "synthetic" in dataset.source
    assert load_dataset("synthetic").fingerprint() == dataset.fingerprint()


def test_another_picture_is_no_sheet(tmp_path):
    (tmp_path / "other.png").write_bytes(cv2.imencode(".png", np.zeros((50, 50), np.uint8))[1].tobytes())
    with pytest.raises(EdgeError, match="no sheet of 48x48 faces in 7 classes"):
        read_sheet(tmp_path / "other.png")


def test_the_command_writes_folders_that_load_and_say_synthetic(tmp_path, toolkit_command):
    out = tmp_path / "faces"
    done = toolkit_command("data", "synth", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    dataset = load_dataset(out)
    assert dataset.present_splits() == ("train", "validation", "test")
    assert all(min(dataset.split(name).counts().values()) >= 10 for name in dataset.present_splits())
    assert len(dataset) == 448
    assert "synthetic" in dataset.source
    assert (out / MARK).is_file()
    refused = toolkit_command("data", "synth", "--out", out)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "--overwrite" in refused.stderr
    assert toolkit_command("data", "synth", "--out", out, "--overwrite").returncode == 0
