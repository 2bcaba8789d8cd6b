"""Where decoded faces are kept: in memory while they are few, else in a file that the system pages in and out."""

import math
import os
import tempfile
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.data.dataset import FACE_SIZE

# Memory is for training; faces may take this share of what is free.
MEMORY_SHARE = 0.25
# /tmp is memory itself on Debian 13 and Raspberry Pi OS; /var/tmp is on disk by the file hierarchy standard.
DISK_FOLDER = Path("/var/tmp")


def store_shape(count: int, colour: bool) -> tuple[int, ...]:
    """Return the shape of a store of ``count`` faces; see ``toolkit.data.stored_faces.parted``."""
    return (count, FACE_SIZE, FACE_SIZE, 4) if colour else (count, FACE_SIZE, FACE_SIZE)


def new_face_store(count: int, memory_bytes: int | None = None, colour: bool = False) -> np.ndarray:
    """Return room for ``count`` faces, ``store_shape`` uint8, zero.

    More than ``memory_bytes`` (a quarter of the free memory unless given) go to a nameless file that vanishes with
    the process; its pages are the system's to drop, so that memory stays flat whatever the number of faces.
    """
    shape = store_shape(count, colour)
    size = math.prod(shape)
    limit = free_memory_bytes() * MEMORY_SHARE if memory_bytes is None else memory_bytes
    if size <= limit:
        return np.zeros(shape, np.uint8)
    folder = DISK_FOLDER if os.access(DISK_FOLDER, os.W_OK) else None
    try:
        with tempfile.TemporaryFile(dir=folder, prefix="fer-edge-") as handle:
            os.posix_fallocate(handle.fileno(), 0, size)
            return np.memmap(handle, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise EdgeError(
            f"no room for {size / 2**30:.1f} GiB of decoded faces in {folder or tempfile.gettempdir()} "
            f"({error.strerror}); free that much, or use less data"
        ) from error


def free_memory_bytes() -> int:
    """Return the memory that new work can have without swapping, by Linux's own estimate."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = next(line for line in lines if line.startswith("MemAvailable:")).split()
        return int(fields[1]) * 1024
    except (OSError, StopIteration, ValueError):
        return 2**30
