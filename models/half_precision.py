"""Write a ``.keras`` file with its weights in float16: half as large, and read by Keras like any other, into float32.

    python models/half_precision.py runs/teacher/best.keras runs/teacher.keras

A tensor with a number that float16 does not hold (over 65,504) stays as it is. Everything else in the file is copied.
"""

import argparse
import io
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device.errors import EdgeError
from device.files import whole_file

WEIGHTS = "model.weights.h5"


def write_in_half_precision(source: Path, target: Path) -> None:
    """Write ``source`` as ``target``, whole or not at all; a file that is there is replaced."""
    with (
        zipfile.ZipFile(source) as archive,
        whole_file(target, overwrite=True) as partial,
        zipfile.ZipFile(partial, "w") as written,
    ):
        for name in archive.namelist():
            content = archive.read(name)
            written.writestr(name, _halved(content) if name == WEIGHTS else content)


def _halved(weights: bytes) -> bytes:
    made = io.BytesIO()
    with h5py.File(io.BytesIO(weights)) as source, h5py.File(made, "w") as target:
        _copy(source, target)
    return made.getvalue()


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
        else:
            target.create_dataset(name, data=_shorter(item[()])).attrs.update(item.attrs)


def _shorter(values: np.ndarray) -> np.ndarray:
    if values.dtype != np.float32 or np.abs(values).max(initial=0) > np.finfo(np.float16).max:
        return values
    return values.astype(np.float16)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    try:
        write_in_half_precision(args.source, args.target)
    except (EdgeError, OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"error: {args.source}: {error}; expected a .keras file of Keras 3")


if __name__ == "__main__":
    main()
