"""JSON Lines: a row a frame, on disk as soon as it is written."""

import json
import os
import sys
from collections.abc import Callable

from device.errors import EdgeError
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.row_file import RowFile


class JsonLinesSink(RowFile):
    """Writes ``FrameResult.to_json()`` a line; see ``RowFile`` for ``append``."""

    def write(self, result: FrameResult) -> None:
        self.add(row_of(result))


class StandardOutputSink(Sink):
    """Writes the rows of ``JsonLinesSink`` to standard output; ``gone`` is called once the pipe is closed."""

    name = "standard output"

    def __init__(self, gone: Callable[[], None]):
        self.gone = gone

    def write(self, result: FrameResult) -> None:
        left = (row_of(result) + "\n").encode()
        try:
            while left:
                left = left[os.write(sys.stdout.fileno(), left) :]
        except OSError as error:
            self.gone()
            raise EdgeError(f"standard output takes no more rows: {error.strerror}") from error


def row_of(result: FrameResult) -> str:
    """Return the row of a frame: ``FrameResult.to_json()`` in one line."""
    return json.dumps(result.to_json(), separators=(",", ":"))
