"""A whole run: a source, the frame loop and the sinks, from the first frame to the last statistics."""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from device.capture.live_capture import LiveCapture
from device.errors import EdgeError
from device.frames import Frame, FrameSource
from device.results import FrameResult
from device.runtime.pipeline import STAGES, FrameLoop
from device.sinks import Sink

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class RunStatistics:
    """What a run came to. ``ids`` counts the different faces seen."""

    source: str
    frames: int
    frames_with_faces: int
    faces: int
    ids: int
    seconds: float
    first_result_s: float | None
    dropped: int
    reopened: int
    ended_by: str
    latency: dict[str, Any]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        document = dict(self.__dict__)
        document["latency"] = {stage: figures.to_json() for stage, figures in self.latency.items()}
        document["notes"] = list(self.notes)
        return document

    def lines(self) -> list[str]:
        """Return the statistics for a person."""
        rate = self.frames / self.seconds if self.seconds > 0 else 0.0
        lines = [
            f"{self.source}: {self.frames} frames in {self.seconds:.1f} s ({rate:.1f}/s), "
            f"{self.frames_with_faces} with faces, {self.ids} different faces; ended by {self.ended_by}",
        ]
        if self.dropped or self.reopened:
            lines.append(f"{self.dropped} late frames dropped, the source opened again {self.reopened} times")
        if self.latency:
            lines.append(f"{'stage, ms':<10}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
        for stage, one in self.latency.items():
            lines.append(
                f"{stage:<10}{one.p50_ms:>9.3f}{one.p90_ms:>9.3f}{one.p99_ms:>9.3f}{one.max_ms:>9.3f}"
            )
        return lines


class Stop(threading.Event):
    """Set once something ends the run; ``reason`` says what."""

    reason = "end of the source"

    def because(self, reason: str) -> None:
        if not self.is_set():
            self.reason = reason
            self.set()


@contextlib.contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into ``stop``; a second one interrupts at once.

    What is ignored already stays ignored: ``nohup device run`` outlives its terminal.
    """

    def handle(number, _frame):
        if stop.is_set():
            raise KeyboardInterrupt
        stop.because(signal.Signals(number).name)

    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def stopped_after(stop: Stop, seconds: float | None) -> Iterator[None]:
    """Set ``stop`` after ``seconds``; None: never."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, stop.because, ["--seconds"])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class RunningSinks:
    """Writes to every sink; one that fails is reported, closed and left out from then on."""

    def __init__(self, sinks: Sequence[Sink]):
        self.sinks = list(sinks)

    def write(self, result: FrameResult) -> None:
        for sink in tuple(self.sinks):
            try:
                sink.write(result)
            except Exception as error:  # whatever a sink does, the loop goes on
                said = (
                    str(error)
                    if isinstance(error, EdgeError)
                    else f"{sink.name}: {type(error).__name__}: {error}"
                )
                log.warning("%s; going on without it", said)
                self.sinks.remove(sink)
                self._close(sink)

    def close(self) -> None:
        for sink in self.sinks:
            self._close(sink)
        self.sinks.clear()

    def _close(self, sink: Sink) -> None:
        with contextlib.suppress(Exception):
            sink.close()


@dataclass
class Tally:
    """Counts what a run comes to, a result at a time."""

    started_s: float
    frames: int = 0
    frames_with_faces: int = 0
    faces: int = 0
    ids: int = 0
    first_result_s: float | None = None

    def add(self, result: FrameResult, now_s: float) -> None:
        if self.first_result_s is None:
            self.first_result_s = now_s - self.started_s
        self.frames += 1
        self.frames_with_faces += bool(result.faces)
        self.faces += len(result.faces)
        self.ids = max([self.ids, *(face.id for face in result.faces)])


def run_session(
    source: FrameSource,
    loop: FrameLoop,
    sinks: Sequence[Sink],
    stop: Stop,
    max_frames: int | None = None,
    on_result: Callable[[FrameResult], None] | None = None,
    clock_s: Callable[[], float] = time.monotonic,
) -> RunStatistics:
    """Run until the source ends, ``max_frames`` are done or ``stop`` is set; return the statistics.

    A fault that the run survives is logged. Raises EdgeError if the source cannot be opened at all.
    """
    running = RunningSinks(sinks)
    tally = Tally(clock_s())
    live = LiveCapture(source, stop) if source.live else None
    try:
        with live or source, contextlib.closing(live.frames() if live else _until(stop, source)) as pictures:
            for result in loop.results(islice(pictures, max_frames)):
                tally.add(result, clock_s())
                running.write(result)
                if on_result is not None:
                    on_result(result)
    finally:
        running.close()
    if max_frames is not None and tally.frames >= max_frames:
        stop.because("--max-frames")
    notes = tuple(source.notes)
    for note in notes:
        log.warning(note)
    return _statistics(source, loop, tally, live, stop.reason, clock_s(), notes)


def _statistics(source, loop, tally: Tally, live, ended_by: str, now_s: float, notes) -> RunStatistics:
    stats = loop.latency.stats()
    return RunStatistics(
        source=source.name,
        frames=tally.frames,
        frames_with_faces=tally.frames_with_faces,
        faces=tally.faces,
        ids=tally.ids if source.continuous else tally.faces,
        seconds=now_s - tally.started_s,
        first_result_s=tally.first_result_s,
        dropped=live.dropped if live else 0,
        reopened=live.reopened if live else 0,
        ended_by=ended_by,
        latency={stage: stats[stage] for stage in STAGES if stage in stats},
        notes=notes,
    )


def _until(stop: Stop, source: FrameSource) -> Generator[Frame]:
    for frame in source:
        if stop.is_set():
            return
        yield frame
