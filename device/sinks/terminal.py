"""One line on the terminal with the label of each face, updated in place."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from device.results import FrameResult
from device.sinks import Sink
from device.text import printable

REDRAW_S = 0.1
PLAIN_S = 1.0  # into a file or a pipe a line is a line: fewer of them


class TerminalSink(Sink):
    """Writes to ``stream``; in place where that is a terminal, else a line a second; or a line a frame."""

    name = "terminal"
    shows_newest = True

    def __init__(
        self, stream: TextIO, every_frame: bool = False, clock_s: Callable[[], float] = time.monotonic
    ):
        self.stream = stream
        self.clock_s = clock_s
        self.in_place = stream.isatty() and not every_frame
        self.pause_s = 0.0 if every_frame else REDRAW_S if self.in_place else PLAIN_S
        self._shown_s = -PLAIN_S
        self._read = True
        self._drawn = False

    def write(self, result: FrameResult) -> None:
        now_s = self.clock_s()
        if not self._read or now_s - self._shown_s < self.pause_s:
            return
        self._shown_s = now_s
        line = terminal_line(result)
        if self.in_place:
            columns = shutil.get_terminal_size().columns
            self._show("\r\x1b[2K" + line[: columns - 1])
            self._drawn = True
        else:
            self._show(line + "\n")

    def close(self) -> None:
        if self._drawn and self._read:
            self._show("\n")

    def _show(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:  # nobody reads it any more, which is no fault of the run
            self._read = False


def terminal_line(result: FrameResult) -> str:
    """Return ``frame 120 · 1.3 ms · #1 happy 0.93 · #2 sad 0.61``; of a picture its file's name, and no numbers."""
    picture = printable(Path(result.frame.name).name)
    faces = [
        f"{'' if picture else f'#{face.id} '}{face.smoothed_label} {face.smoothed[face.smoothed_label]:.2f}"
        for face in result.faces
    ]
    parts = [
        picture or f"frame {result.index}",
        f"{result.latency_ms.get('frame', 0.0):.1f} ms",
        *(faces or ["no face"]),
    ]
    return " · ".join(parts)
