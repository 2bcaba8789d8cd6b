"""Frames as the loop wants them: every one of a file, only the newest of a camera."""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator

from device.capture.health import FrameHealth
from device.errors import EdgeError
from device.frames import Frame, FrameSource

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
LET_GO_S = 1.0  # interrupted, every source lets go sooner; this is for a driver that hangs
LOOK_S = 0.1  # between looks at whether the run is over
SILENCE_S = 20.0  # sources end their waits themselves, sooner; this is for a driver that does not


@contextlib.contextmanager
def opened_frames(
    source: FrameSource, stop: threading.Event, on_fault: Callable[[str], None] = log.warning
) -> Iterator[tuple[Iterator[Frame], "LiveCapture | None"]]:
    """Open ``source`` and give its frames until ``stop`` is set, and the capture in whose thread a live one is read.

    Arguments as ``LiveCapture``, which raises the same.

    >>> with opened_frames(source, threading.Event()) as (frames, live): ...
    """
    live = LiveCapture(source, stop, on_fault) if source.live else None
    with live or source, contextlib.closing(live.frames() if live else _until(stop, source)) as frames:
        yield frames, live


def _until(stop: threading.Event, source: FrameSource) -> Generator[Frame]:
    for frame in source:
        if stop.is_set():
            return
        yield frame


class NewestFrame:
    """A slot that holds one frame: putting replaces it, taking empties it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self.replaced = 0

    def put(self, frame: Frame) -> None:
        with self._changed:
            self.replaced += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def take(self, timeout_s: float) -> Frame | None:
        """Return the newest frame not yet taken, or None after ``timeout_s``."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
            return frame


class LiveCapture:
    """Reads a live source in a thread of its own and reopens it, with back-off, when it fails.

    As a context it opens and closes the source: what fails at the first opening is raised, and ``stop`` ends the wait.
    ``on_fault`` gets one line a fault. ``reopened`` counts the reconnections, ``dropped`` the frames that were
    replaced by newer ones before the loop could take them.
    """

    def __init__(
        self,
        source: FrameSource,
        stop: threading.Event,
        on_fault: Callable[[str], None] = log.warning,
    ):
        self.source, self.stop, self.on_fault = source, stop, on_fault
        self.slot = NewestFrame()
        self.reopened = 0
        self._next_index = 0
        self._health = FrameHealth(source.name, on_fault, source.frozen_s)
        self._closed = threading.Event()
        self._hangs = False
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    @property
    def dropped(self) -> int:
        return self.slot.replaced

    def __enter__(self) -> "LiveCapture":
        failures: list[Exception] = []

        def enter() -> None:
            try:
                self.source.__enter__()
            except Exception as error:
                failures.append(error)

        # In a thread, because a signal is not heard while the main one waits in a driver.
        opening = threading.Thread(target=enter, name="opening", daemon=True)
        opening.start()
        while opening.is_alive() and not self.stop.is_set():
            opening.join(timeout=0.1)
        self._end(opening)
        if failures and not self.stop.is_set():
            raise failures[0]
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the source, unless a thread hangs in it: to close what is being read crashes a driver."""
        if not self._hangs:
            self.source.__exit__(*exc)

    def frames(self) -> Generator[Frame]:
        """Yield the newest frame again and again until ``stop`` is set; the source must be entered already.

        Close the generator before leaving the source: that ends the thread, which must not read a closed camera.
        """
        self._thread.start()
        silences = 0
        try:
            while not self.stop.is_set():
                frame = self.slot.take(timeout_s=LOOK_S)
                silences = silences + 1 if frame is None else 0
                if frame is not None:
                    yield frame
                elif silences == round(SILENCE_S / LOOK_S):
                    self.on_fault(f"{self.source.name} has been silent for {SILENCE_S:g} s")
        finally:
            self._closed.set()
            self._end(self._thread)

    def _end(self, thread: threading.Thread) -> None:
        """Wait ``LET_GO_S`` at most for ``thread`` to let go of the source, which is told to if it can be."""
        deadline_s = time.monotonic() + LET_GO_S
        while thread.is_alive() and time.monotonic() < deadline_s:
            self.source.interrupt()
            thread.join(timeout=0.1)
        self._hangs |= thread.is_alive()

    def _over(self) -> bool:
        return self.stop.is_set() or self._closed.is_set()

    def _run(self) -> None:
        """Read until closed. The source is open at first: that it does not open ends the program."""
        pause_s = FIRST_PAUSE_S
        while not self._over():
            before = self._next_index
            try:
                if self.reopened:
                    self.source.__enter__()
                self._read()
                reason = f"{self.source.name} ended"
            except EdgeError as error:
                reason = str(error)
            except Exception as error:  # a driver's own surprise must not kill the thread silently
                reason = f"{self.source.name} failed with {type(error).__name__}: {error}"
            if self._over():
                return
            pause_s = FIRST_PAUSE_S if self._next_index > before else min(pause_s * 2, LONGEST_PAUSE_S)
            with contextlib.suppress(Exception):  # what is broken may fail to close as well
                self.source.__exit__(None, None, None)
            self.reopened += 1
            self.on_fault(f"{reason}; opening it again in {pause_s:g} s (attempt {self.reopened})")
            self._closed.wait(pause_s)

    def _read(self) -> None:
        self._health.opened()
        first = self._next_index
        for frame in self.source:
            if self._over():
                return
            if self._health.check(frame):
                self._next_index = first + frame.index + 1
                self.slot.put(dataclasses.replace(frame, index=first + frame.index))
