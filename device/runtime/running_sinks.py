"""Sinks beside the frame loop: each has a thread and a short queue, so that none can hold up a run or its end."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from device.errors import EdgeError
from device.results import FrameResult
from device.runtime.stopping import Stop
from device.sinks import Sink

log = logging.getLogger(__name__)

QUEUE = 8  # results that wait for a sink; each holds its picture
STALL_S = 10.0  # the frames of a file wait this long for a sink that takes nothing
SAY_AGAIN_S = 600.0


class SinkThread:
    """Runs ``sink`` in a thread: every result given is in the end ``written``, or ``dropped`` and counted.

    With ``live`` a full queue drops at once; without, ``put`` waits for room, ``STALL_S`` at most and until ``stop``.
    ``fault`` is the one line that the sink failed with. ``sink.write`` and ``sink.close`` run in the thread, and what
    hangs there is left behind by ``close``.
    """

    def __init__(self, sink: Sink, live: bool, stop: Stop) -> None:
        self.sink, self.live, self.stop = sink, live, stop
        self.written = self.dropped = 0
        self.fault: str | None = None
        self._warned = False
        self._stalled = False
        self._said_s = float("-inf")
        self._waiting: deque[FrameResult] = deque()
        self._changed = threading.Condition()
        self._begun = self._writing = self._closing = self._left = False
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        self._thread.start()

    @property
    def loss(self) -> str:
        """A line about what is missing, with its cause; empty where nothing is."""
        if not self.dropped:
            return self.fault or ""
        return f"{self._lacks}: {self.fault}" if self.fault else self._lacks

    @property
    def last_word(self) -> str:
        """``loss`` for who has read what was logged in the meantime: a cause that was is not told again."""
        if self._warned:
            lacks = self._lacks if self.dropped else f"{self.sink.name} is incomplete"
            return f"{lacks}: see the warning of it; mend that, then run again"
        return self.loss if self.fault else f"{self.loss}; it took them slower than they came"

    @property
    def _lacks(self) -> str:
        return f"{self.sink.name} lacks {self.dropped} of {self.written + self.dropped} results"

    def begin(self) -> None:
        with self._changed:
            self._begun = True
            self._changed.notify_all()

    def put(self, result: FrameResult) -> None:
        with self._changed:
            if not self.live and not self._stalled:
                self._wait_for_room()
            if self.fault is None and len(self._waiting) < QUEUE:
                self._waiting.append(result)
                self._changed.notify_all()
                return
            self.dropped += 1
        if self.fault is None:
            self._say_slow()

    def begin_to_close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def end(self, started_s: float) -> None:
        """Wait for the thread, until ``stop.closing_s`` after ``started_s``; then count what waits as dropped."""
        while self._thread.is_alive() and time.monotonic() < started_s + self.stop.closing_s:
            self._thread.join(0.05)
        with self._changed:
            self._left = self._thread.is_alive()
            if self._left:
                self.dropped += self._writing
                self._drop_waiting()
        if self._left:
            self._fail(f"{self.sink.name} did not finish within {self.stop.closing_s:g} s; the rest is lost")

    def _wait_for_room(self) -> None:
        until_s = time.monotonic() + STALL_S
        while self.fault is None and len(self._waiting) >= QUEUE and not self.stop.is_set():
            if time.monotonic() >= until_s:
                self._stalled = True
                return
            self._changed.wait(0.1)

    def _say_slow(self) -> None:
        if not self.sink.shows_newest and time.monotonic() - self._said_s >= SAY_AGAIN_S:
            self._said_s = time.monotonic()
            log.warning("%s takes no more results; they are dropped until it does", self.sink.name)

    def _run(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._begun or self._closing)
        try:
            if self._begun:
                self.sink.begin()
            while (result := self._next()) is not None:
                self.sink.write(result)
                self._count(written=True)
        except Exception as error:  # whatever a sink does, the loop goes on
            self._fail(self._line(error), "going on without it")
            self._count(written=False)
        try:
            self.sink.close()
        except Exception as error:
            self._fail(self._line(error))

    def _count(self, written: bool) -> None:
        with self._changed:
            if not self._left:
                self.written += written
                self.dropped += self._writing and not written
            self._writing = self._stalled = False
            if not written:
                self._drop_waiting()

    def _drop_waiting(self) -> None:
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._changed.notify_all()

    def _next(self) -> FrameResult | None:
        """Wait for a result; None once all are written and the end was asked for."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            self._writing = True
            self._changed.notify_all()
            return self._waiting.popleft()

    def _line(self, error: Exception) -> str:
        return (
            str(error)
            if isinstance(error, EdgeError)
            else f"{self.sink.name}: {type(error).__name__}: {error}"
        )

    def _fail(self, fault: str, what_now: str = "") -> None:
        if self.fault is not None:
            return
        self.fault, self._warned = fault, bool(what_now)
        if what_now or self.sink.shows_newest:  # else it is the run's last word
            log.warning("%s; %s", fault, what_now) if what_now else log.warning(fault)


class Inline(Protocol):
    """A sink without a thread, because it uses what the loop uses; it may not block."""

    name: str

    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None: ...


class RunningSinks:
    """Writes to every sink: ``sinks`` have a thread each, ``inline`` ones run in the loop's own.

    An inline sink that fails is logged, closed and left out from then on.
    """

    def __init__(self, sinks: Sequence[Sink], inline: Sequence[Inline], live: bool, stop: Stop) -> None:
        self.threads = [SinkThread(sink, live, stop) for sink in sinks]
        self.inline = list(inline)

    def begin(self) -> None:
        for thread in self.threads:
            thread.begin()

    def write(self, result: FrameResult) -> None:
        for thread in self.threads:
            thread.put(result)
        for sink in tuple(self.inline):
            try:
                sink.write(result)
            except Exception as error:
                log.warning("%s: %s: %s; going on without it", sink.name, type(error).__name__, error)
                self.inline.remove(sink)
                _close(sink)

    def close(self) -> None:
        """Close all at once, in a bounded time."""
        for thread in self.threads:
            thread.begin_to_close()
        started_s = time.monotonic()
        for sink in self.inline:
            _close(sink)
        for thread in self.threads:
            thread.end(started_s)

    @property
    def outputs(self) -> dict[str, dict[str, int]]:
        """How many results each asked output has, and how many it lost."""
        return {
            one.sink.name: {"written": one.written, "dropped": one.dropped}
            for one in self.threads
            if not one.sink.shows_newest
        }

    @property
    def incomplete(self) -> list[SinkThread]:
        """The asked outputs that lack something."""
        return [one for one in self.threads if one.loss and not one.sink.shows_newest]


def _close(sink: Inline) -> None:
    try:
        sink.close()
    except Exception as error:
        log.warning("%s: %s: %s", sink.name, type(error).__name__, error)
