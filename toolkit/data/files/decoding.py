"""Decoding many pictures at once, on all processors."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from device.opencv_log import SILENT, set_opencv_log_level
from device.quiet import silenced
from toolkit.data.files.image_files import DecodedFace

PICTURES_PER_TASK = 64


def decode_all(
    count: int, read: Callable[[int], DecodedFace], keep: Callable[[int, DecodedFace], None]
) -> list[tuple[int, str]]:
    """Call ``keep(position, read(position))`` for each of ``count`` pictures; return (position, reason) of broken ones.

    A broken one is where ``read`` raises ValueError. Threads decode (OpenCV releases Python's lock); both are called
    from them, once a position, in any order.
    """

    def decode_some(start: int) -> list[tuple[int, str]]:
        broken = []
        for position in range(start, min(start + PICTURES_PER_TASK, count)):
            try:
                keep(position, read(position))
            except ValueError as error:
                broken.append((position, str(error)))
        return broken

    starts = range(0, count, PICTURES_PER_TASK)
    # libjpeg writes what it thinks of damaged pictures to standard error itself.
    with quiet_opencv(), silenced(2), ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for some in pool.map(decode_some, starts) for problem in some]


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own warnings about damaged files off standard error; they are reported by us."""
    level = set_opencv_log_level(SILENT)
    try:
        yield
    finally:
        set_opencv_log_level(level)
