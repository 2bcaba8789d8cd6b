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
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.memfd_create("caught"), "w+b") as caught:  # no folder need be writable

        def read() -> str:
            caught.seek(0)
            return caught.read().decode("utf-8", "replace")

        kept = {descriptor: os.dup(descriptor) for descriptor in descriptors}
        for descriptor in descriptors:
            os.dup2(caught.fileno(), descriptor)
        try:
            yield read
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in kept.items():
                os.dup2(original, descriptor)
                os.close(original)
