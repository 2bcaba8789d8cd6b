"""Keeping native libraries off the terminal."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def silenced(*descriptors: int) -> Iterator[Callable[[], str]]:
    """Catch what is written to the file ``descriptors`` (1: standard output, 2: standard error), even from
    C++.

    Yields a function that returns what was caught so far. The whole process is silent meanwhile.
    """
    _flush()
    with open(os.memfd_create("caught"), "w+b") as caught:  # no folder need be writable

        def read() -> str:
            caught.seek(0)
            return caught.read().decode("utf-8", "replace")

        kept = {descriptor: os.dup(descriptor) for descriptor in descriptors if _is_open(descriptor)}
        for descriptor in kept:
            os.dup2(caught.fileno(), descriptor)
        try:
            yield read
        finally:
            _flush()
            for descriptor, original in kept.items():
                os.dup2(original, descriptor)
                os.close(original)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as in a program that was started without
            stream.flush()


def _is_open(descriptor: int) -> bool:
    try:
        return bool(os.fstat(descriptor))
    except OSError:
        return False
