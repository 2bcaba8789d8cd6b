"""HDF5 files that make libhdf5 crash or never end are one line, and what a good one holds is copied."""

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.models.opening import hdf5_copy
from toolkit.models.opening.hdf5_copy import copy_hdf5

h5py = pytest.importorskip("h5py")
GLOBAL_HEAP, KIND_OF_TEXT = b"GCOL", b"\x19\x01\x01\x00"


@pytest.fixture
def stored(tmp_path):
    """An HDF5 file of everything that Keras puts into one, and of what older files have."""
    path = tmp_path / "stored.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "a text"
        file.attrs["layer_names"] = np.array([b"conv", b"dense"])
        kernel = file.create_dataset(
            "layers/conv/vars/0",
            data=np.arange(64, dtype=np.float16),
            chunks=(8,),
            compression="gzip",
            shuffle=True,
        )
        kernel.attrs["dtype"] = "bfloat16"
        file.create_dataset("seed", data=np.uint32(7))
        file.create_group("empty")
    return path


def test_what_a_file_holds_is_in_the_copy(stored, tmp_path):
    copy_hdf5(stored, tmp_path / "copy.h5", "a model")
    with h5py.File(tmp_path / "copy.h5") as copy:
        assert copy.attrs["model_config"] == "a text"
        assert copy.attrs["layer_names"].tolist() == [b"conv", b"dense"]
        kernel = copy["layers/conv/vars/0"]
        assert kernel.dtype == np.float16
        assert kernel[()].tolist() == list(range(64))
        assert kernel.chunks is None
        assert kernel.attrs["dtype"] == "bfloat16"
        assert copy["seed"][()] == 7
        assert len(copy["empty"]) == 0


def damaged(path, place, value):
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(content)


def test_a_byte_at_which_libhdf5_crashes_is_one_line(stored, tmp_path):
    damaged(stored, stored.read_bytes().index(KIND_OF_TEXT) + 1, 255)  # a text of no known kind
    with pytest.raises(
        EdgeError, match=r"^a model is damaged: .* it died of SIG[A-Z]+; copy or save it again$"
    ):
        copy_hdf5(stored, tmp_path / "copy.h5", "a model")


def test_a_byte_at_which_libhdf5_never_ends_is_one_line(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_copy, "PROCESSOR_S", 1)
    damaged(stored, stored.read_bytes().index(GLOBAL_HEAP) + 24, 0)  # a text of no length in the heap
    with pytest.raises(EdgeError, match=r"^a model is damaged: .* it took too much processor time; copy"):
        copy_hdf5(stored, tmp_path / "copy.h5", "a model")


def test_a_file_cut_short_is_one_line(stored, tmp_path):
    stored.write_bytes(stored.read_bytes()[:3000])
    with pytest.raises(EdgeError, match=r"^a model is damaged \(.*\); copy or save it again$"):
        copy_hdf5(stored, tmp_path / "copy.h5", "a model")
