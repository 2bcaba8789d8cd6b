"""Whether faces are synthetic is told by the data, not by the name of a folder, and alike everywhere."""

import shutil

import pytest

from device.errors import EdgeError
from toolkit.data.inspection import inspect_dataset
from toolkit.data.readers.loading import load_dataset
from toolkit.data.synthesis import MARK
from toolkit.data.synthetic_files import write_shipped
from toolkit.quantization.description import data_name
from toolkit.quantization.representative import choose_faces
from toolkit.results.types import DataIdentity

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """The shipped faces as folders, in a folder of their own, named as nobody would guess what they are."""
    folder = tmp_path_factory.mktemp("data") / "unpacked" / "faces"
    write_shipped(folder)
    return folder


def said(dataset):
    """What evaluate, data inspect and quantize say of ``dataset``, the last by taking it for labels it lacks."""
    try:
        taken = not choose_faces(dataset, ("cat", "dog"), 20, 0).labelled
    except EdgeError:
        taken = False
    test = dataset.split(dataset.present_splits()[-1])
    unsplit = "," not in data_name(test)
    identity = DataIdentity.of(test, "test")
    return {identity.synthetic, inspect_dataset(dataset, near=False).to_json()["synthetic"], taken, unsplit}


def test_marked_folders_are_synthetic_from_above_and_by_split(marked):
    for path in ("synthetic", marked, marked.parent, marked / "test"):
        assert said(load_dataset(path)) == {True}, path
    assert said(load_dataset(marked, classes=("sad", "happy"))) == {True}


def test_real_faces_are_real_whatever_their_folders_are_called(marked, tmp_path):
    real = tmp_path / "synthetic_vs_real" / "real (synthetic faces)"
    shutil.copytree(marked, real, ignore=shutil.ignore_patterns(MARK))
    (real.parent / MARK).touch()  # of other faces beside them
    for path in (real, real / "test"):
        assert said(load_dataset(path)) == {False}, path
