"""NumPy's files from outside: read from regular files alone, their damage told in one way."""

import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from device.files import regular_size
from device.zip_files import DAMAGE

# What NumPy saves is not packed; a file may unpack to so much all the same.
LARGEST_GROWTH, FREE_BYTES = 10, 1 << 20


def load_array(path: Path) -> np.ndarray:
    """Return the array of a .npy file.

    OSError where it cannot be read or is no regular file, ValueError saying why where it is damaged.

    >>> load_array(Path("annotations/1_exp.npy"))
    """
    regular_size(path)
    with _damage():
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return stored
        stored.close()
    raise ValueError("it holds several arrays, expected one")


def load_arrays(path: Path, only: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file by name, or the one called ``only``; errors as ``load_array``."""
    size = regular_size(path)
    with _damage():
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, NpzFile) and stored.zip is not None:
            with stored:
                unpacked = sum(member.file_size for member in stored.zip.infolist())
                if unpacked > LARGEST_GROWTH * size + FREE_BYTES:
                    raise ValueError(f"its {size:,} bytes unpack to {unpacked:,}")
                found = {name: stored[name] for name in stored.files if only in ("", name)}
            if all(isinstance(array, np.ndarray) for array in found.values()):
                return found
    raise ValueError("it holds something else than named arrays")


@contextmanager
def _damage() -> Iterator[None]:
    """Turn what NumPy raises for a damaged file into a ValueError."""
    try:
        yield
    except tokenize.TokenError as error:
        raise ValueError("its header is no header") from error
    except MemoryError as error:
        raise ValueError("it declares more than memory holds") from error
    except (KeyError, TypeError, AttributeError, SyntaxError, *DAMAGE) as error:
        raise ValueError(str(error)) from error
