"""NumPy's files from outside: checkpoints and teachers' answers that are damaged or hostile, one line each."""

import io
import json
import os
import zipfile

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.array_files import load_array, load_arrays
from toolkit.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, read_state, save_checkpoint

HEADER = b"\x93NUMPY\x01\x00"


def npy(header):
    return HEADER + (len(header) + 1).to_bytes(2, "little") + header + b"\n"


def stored(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def zipped(**members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return content.getvalue()


DAMAGED = {
    "nothing": b"",
    "text": b"no array\n",
    "brackets": npy(b"[" * 9000),
    "huge": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (3000000000000, 7)}"),
    "cut": stored(np.arange(100))[:200],
    "objects": npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"x",
}


@pytest.mark.parametrize("content", [*DAMAGED.values(), zipped(a=stored(np.arange(3)))])
def test_a_damaged_array_is_a_value_error(tmp_path, content):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        load_array(path)


@pytest.mark.parametrize(
    "content", [*DAMAGED.values(), stored(np.arange(3)), zipped(state=b"no array"), zipped(state=npy(b"["))]
)
def test_damaged_arrays_are_a_value_error(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        load_arrays(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / CHECKPOINT_FILE)
    with pytest.raises(EdgeError, match="no regular file"):
        read_state(tmp_path)


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    groups = {"variables": [np.arange(3), np.zeros((2, 2))], "average": [np.ones(1)]}
    save_checkpoint(tmp_path, groups, {"recipe": {"epochs": 3}, "history": []})
    assert read_state(tmp_path) == {"recipe": {"epochs": 3}, "history": []}
    found, state = load_checkpoint(tmp_path)
    assert state == read_state(tmp_path)
    assert {name: [array.tolist() for array in held] for name, held in found.items()} == {
        "variables": [[0, 1, 2], [[0, 0], [0, 0]]],
        "average": [[1]],
    }


@pytest.mark.parametrize(
    "state",
    ["[]", '"x"', "{}", '{"recipe": []}', '{"recipe": null}', '{"recipe": {}, "request": [1]}',
     '{"recipe": {}, "request": null}', '{"recipe": {}, "history": 3}', "[" * 100_000, "{"],
)  # fmt: skip
def test_a_checkpoint_of_another_state_is_damaged(tmp_path, state):
    np.savez(tmp_path / CHECKPOINT_FILE, state=np.frombuffer(state.encode(), np.uint8))
    for read in (read_state, load_checkpoint):
        with pytest.raises(
            EdgeError, match=r"checkpoint\.npz is damaged \(.+\); train anew with `overwrite`"
        ):
            read(tmp_path)


def test_a_checkpoint_without_a_state_is_damaged(tmp_path):
    np.savez(tmp_path / CHECKPOINT_FILE, other=np.arange(3), text=np.array(json.dumps({})))
    with pytest.raises(EdgeError, match=r"checkpoint\.npz is damaged"):
        read_state(tmp_path)


def test_a_checkpoint_that_unpacks_without_end_is_damaged(tmp_path):
    with zipfile.ZipFile(tmp_path / CHECKPOINT_FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.npy", stored(np.frombuffer(b'{"recipe": {}}', np.uint8)))
        archive.writestr("extra/0.npy", stored(np.zeros(100 << 20, np.uint8)))
    for read in (read_state, load_checkpoint):
        with pytest.raises(
            EdgeError, match=r"checkpoint\.npz is damaged \(its [\d,]+ bytes unpack to 104,85\d,\d+\)"
        ):
            read(tmp_path)
