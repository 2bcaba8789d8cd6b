"""State dictionaries as torch.save wrote them before PyTorch 1.6, read without PyTorch and without running anything.

Five pickles in turn (a magic number, the protocol, facts of the machine, the dictionary, the order of the storages),
then each storage: its length as int64, little-endian, and its numbers. After torch/serialization.py,
``_legacy_save``.
"""

import pickle
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
FLOAT: np.dtype[Any] = np.dtype("<f4")
DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": FLOAT, "LongStorage": np.dtype("<i8")}
# what the unpickler raises for other bytes
DAMAGED = (pickle.UnpicklingError, AttributeError, EOFError, IndexError, KeyError, OverflowError, TypeError)


class _Tensor(NamedTuple):
    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, storage: np.ndarray) -> np.ndarray:
        """Return a copy of what this is of ``storage``, float32; ValueError if it reaches beyond."""
        size = FLOAT.itemsize
        strides = [stride * size for stride in self.strides]
        return np.ndarray(self.shape, FLOAT, storage, self.offset * size, strides).copy()


def read(handle: IO[bytes]) -> dict[str, np.ndarray]:
    """Return the float32 arrays of a state dictionary by name; ValueError for anything else."""
    try:
        return _read(handle)
    except DAMAGED as error:
        raise ValueError(f"no state dictionary of PyTorch before 1.6: {error!r}") from error


def _read(handle: IO[bytes]) -> dict[str, np.ndarray]:
    dtypes: dict[str, np.dtype[Any]] = {}
    if _Reader(handle, dtypes).load() != MAGIC:
        raise pickle.UnpicklingError("another magic number")
    for _ in ("protocol", "machine"):
        _Reader(handle, dtypes).load()
    tensors: dict[str, _Tensor] = _Reader(handle, dtypes).load()
    storages = {}
    for key in _Reader(handle, dtypes).load():
        count = int.from_bytes(handle.read(8), "little")
        dtype = dtypes[key]
        storages[key] = np.frombuffer(handle.read(count * dtype.itemsize), dtype, count)
    return {
        name: tensor.of(storages[tensor.key])
        for name, tensor in tensors.items()
        if storages[tensor.key].dtype == FLOAT
    }


class _Reader(pickle.Unpickler):
    """Knows dictionaries and tensors, and nothing that could do harm."""

    def __init__(self, handle: IO[bytes], dtypes: dict[str, np.dtype[Any]]):
        super().__init__(handle)
        self.dtypes = dtypes

    def find_class(self, module: str, name: str) -> Callable[..., Any] | str:
        if (module, name) == ("collections", "OrderedDict"):
            return _Dictionary
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, shape, strides, *_: _Tensor(key, offset, shape, strides)
        if module == "torch" and name in DTYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in a state dictionary")

    def persistent_load(self, name: tuple) -> str:
        _, storage, key, *_ = name
        self.dtypes[key] = DTYPES[storage]
        return key


class _Dictionary(dict):
    """Takes the attributes that PyTorch gives its state dictionary."""
