"""State dictionaries of PyTorch: a file that PyTorch wrote, and files that hold something else."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from toolkit.training.architectures import torch_pickle

# by PyTorch 2.13: torch.save(OrderedDict(conv=a, view=a.t(), part=a[1:, 2], steps=torch.tensor(7)), ...,
# _use_new_zipfile_serialization=False), a = torch.arange(12.0).reshape(3, 4)
STATE = Path(__file__).with_name("state.pth")


def test_what_pytorch_wrote_is_read_as_it_was():
    with open(STATE, "rb") as handle:
        arrays = torch_pickle.read(handle)
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert set(arrays) == {"conv", "view", "part"}  # not the count of steps
    np.testing.assert_array_equal(arrays["conv"], whole)
    np.testing.assert_array_equal(arrays["view"], whole.T)
    np.testing.assert_array_equal(arrays["part"], whole[1:, 2])
    assert all(values.dtype == np.float32 for values in arrays.values())


class Harmful:
    def __reduce__(self):
        return (print, ("run",))


def test_nothing_in_a_file_is_run(capsys):
    content = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(Harmful(), 2)
    with pytest.raises(ValueError, match="print does not belong in a state dictionary"):
        torch_pickle.read(io.BytesIO(content))
    assert capsys.readouterr().out == ""


BEYOND = STATE.read_bytes().replace(b"K\x03K\x04\x86", b"K\x03K\x7f\x86")  # 3x127 of twelve numbers
OTHERS = {
    "empty": b"",
    "zip": b"PK\x03\x04zip",
    "another pickle": pickle.dumps({"a": 1}),
    "cut in the dictionary": STATE.read_bytes()[:300],
    "cut in the numbers": STATE.read_bytes()[:-20],
    "reaching beyond": BEYOND,
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_file_is_refused(name):
    assert OTHERS[name] != STATE.read_bytes()
    with pytest.raises(ValueError):
        torch_pickle.read(io.BytesIO(OTHERS[name]))
