"""HDF5 is read by a process of its own with limits: libhdf5 crashes on one damaged file in a hundred, or never ends.

What that process could read it writes into a new file, and only that one is opened elsewhere.
"""

import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device.child_processes import child_environment, fate_of, python_module
from device.errors import EdgeError
from device.text import one_line
from toolkit.models.opening.child_limits import limit_this_process

MOST_OBJECTS = 100_000  # groups and data sets
# What a file unpacks to may be this many times its own size, or this many bytes: weights hardly compress.
LARGEST_GROWTH, FREE_BYTES = 10, 32 << 20
MEMORY_BYTES = 128 << 20  # beside the data sets
PROCESSOR_S, BYTES_A_SECOND = 5, 4 << 20  # and one more for so many bytes of the file
LONGEST_REASON = 200  # characters of a library's
START_S = 60  # by the clock, beside the processor's time


def copy_hdf5(source: Path, copy: Path, name: str, file_bytes: int | None = None) -> None:
    """Write the groups, data sets and attributes of an HDF5 file to ``copy``.

    file_bytes: of the file that somebody gave, where ``source`` was unpacked from it; else of ``source``.
    Raises EdgeError, which calls the file ``name``, where it is damaged, or where its data sets lie outside of it, are
    no numbers or far larger than it.
    """
    import h5py  # noqa: F401  # its absence is told here

    size = source.stat().st_size
    processor_s = PROCESSOR_S + size // BYTES_A_SECOND
    limit_s = START_S + 2 * processor_s
    arguments = (str(source), str(copy), name, str(processor_s), str(file_bytes or size))
    command = python_module("toolkit.models.opening.hdf5_copy", *arguments)
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit_s, env=child_environment())
    except subprocess.TimeoutExpired:
        fate = f"it gave no answer within {limit_s} s"
    else:
        if done.returncode == 0:
            return
        if done.stdout:
            raise EdgeError(os.fsdecode(done.stdout))
        fate = fate_of(done.returncode)
    raise EdgeError(f"{name} is damaged: read in a process of its own, {fate}; copy or save it again")


def _main(source: Path, copy: Path, name: str, processor_s: int, size: int) -> None:
    """Copy under limits; what is wrong is a line on standard output, and exit status 1."""
    import h5py

    room = FREE_BYTES + LARGEST_GROWTH * size + MEMORY_BYTES
    limit_this_process(room, processor_s)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        with h5py.File(source) as file, h5py.File(copy, "w", libver="latest") as made:
            _copy_all(file, made, name, size)
    except Exception as error:  # h5py raises many kinds for damaged files
        ours = str(error) if isinstance(error, EdgeError) else ""
        said = ours or f"{name} is damaged ({one_line(error, LONGEST_REASON)}); copy or save it again"
        sys.stdout.buffer.write(os.fsencode(said))
        sys.stdout.flush()
        os._exit(1)  # what libhdf5 would still do with the file is not waited for


def _copy_all(file: Any, made: Any, name: str, size: int) -> None:
    """Copy everything; what the data sets declare is added up before any is read."""
    import h5py

    objects = list(_objects(file, name))
    declared = sum(_declared_bytes(one, f"{place} in {name}") for place, one in objects)
    if declared > max(FREE_BYTES, LARGEST_GROWTH * size):
        raise EdgeError(
            f"{name} has {size:,} bytes and declares {declared:,} of weights; that is no model file"
        )
    for place, one in objects:
        if isinstance(one, h5py.Dataset):
            target = made.create_dataset(place, data=one[()], dtype=one.dtype)
        else:
            target = made.require_group(place)
        for key, value in one.attrs.items():
            if not isinstance(value, h5py.Empty | h5py.Reference):
                target.attrs.create(key, value, dtype=getattr(value, "dtype", None))


def _objects(file: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the place and each group and data set of an HDF5 file once, an outer one first; only by hard links."""
    import h5py

    waiting, seen = [("/", file)], {h5py.h5o.get_info(file.id).addr}
    while waiting:
        place, one = waiting.pop()
        yield place, one
        for child in one if isinstance(one, h5py.Group) else ():
            inner_place = f"{place.rstrip('/')}/{child}"
            if not isinstance(one.get(child, getlink=True), h5py.HardLink):
                raise EdgeError(f"{inner_place} in {name} is a link to elsewhere, which is not followed")
            inner = one[child]
            address = h5py.h5o.get_info(inner.id).addr
            if address in seen or not isinstance(inner, h5py.Group | h5py.Dataset):
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise EdgeError(
                    f"{name} holds over {MOST_OBJECTS:,} groups and data sets; that is no model file"
                )
            waiting.append((inner_place, inner))


def _declared_bytes(one: Any, name: str) -> int:
    """Return how many bytes of numbers a data set declares, a group none; EdgeError where they are not in the file."""
    import h5py

    if not isinstance(one, h5py.Dataset):
        return 0
    if one.external or one.is_virtual:
        raise EdgeError(f"{name} takes its numbers from another file, which is not read")
    if one.dtype.hasobject:
        raise EdgeError(f"{name} holds {one.dtype} instead of numbers; save the model again")
    return math.prod(one.shape or ()) * int(one.dtype.itemsize)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
