"""Decoding many image files at once, on all processors."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from toolkit.data.image_files import DecodedFace, read_face

FILES_PER_TASK = 64


def decode_files(paths: Sequence[Path], keep: Callable[[int, DecodedFace], None]) -> list[tuple[int, str]]:
    """Decode all files, calling ``keep(position, decoded)`` for each; return the broken ones as (position, reason).

    Threads decode (OpenCV releases Python's lock); ``keep`` is called from them, once a position, in any order.
    """

    def decode_some(start: int) -> list[tuple[int, str]]:
        broken = []
        for position in range(start, min(start + FILES_PER_TASK, len(paths))):
            try:
                keep(position, read_face(paths[position]))
            except ValueError as error:
                broken.append((position, str(error)))
        return broken

    starts = range(0, len(paths), FILES_PER_TASK)
    with quiet_opencv(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for some in pool.map(decode_some, starts) for problem in some]


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own warnings about damaged files off standard error; they are reported by us."""
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)
