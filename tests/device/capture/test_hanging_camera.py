"""Cameras that hang, do not open, or may not be closed while they are read."""

import threading
import time
from datetime import UTC, datetime

import pytest
from faulty_camera import FaultyCamera, noise

from device.capture.live_capture import LiveCapture
from device.errors import EdgeError
from device.frames import Frame
from device.results import FrameResult
from device.runtime.latency import LatencyRecorder


class Hanging(FaultyCamera):
    """Waits for ever, in its opening or after a frame; ``interrupt`` ends that only where ``heeds`` is set."""

    def __init__(self, heeds: bool = False, opens: bool = True):
        super().__init__([])
        self.heeds, self.opens = heeds, opens
        self.released, self.waiting = threading.Event(), False

    def __enter__(self):
        if not self.opens:
            self.hang()
        return super().__enter__()

    def __iter__(self):
        yield Frame(noise(1)[0], 0, time.monotonic_ns())
        self.hang()

    def hang(self):
        self.waiting = True
        self.waiting = not self.released.wait(
            60
        )  # ends a test that would wait for ever, and shows in `waiting`
        raise EdgeError("let go at last")

    def interrupt(self):
        if self.heeds:
            self.released.set()


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("opens", [True, False])
def test_stopping_ends_a_camera_that_hangs(monkeypatch, heeds, opens):
    """It is interrupted where it can be; one that does not heed that is left hanging."""
    monkeypatch.setattr("device.capture.live_capture.LET_GO_S", 60.0 if heeds else 0.3)
    stop, said = threading.Event(), []
    source = Hanging(heeds, opens)
    if not opens:
        threading.Timer(0.2, stop.set).start()
    with LiveCapture(source, stop, said.append) as capture:
        for _ in capture.frames():
            stop.set()
    assert source.released.is_set() == heeds
    assert source.waiting != heeds
    source.released.set()


def test_a_camera_that_does_not_open_ends_it():
    with (
        pytest.raises(EdgeError, match="unplugged"),
        LiveCapture(FaultyCamera(EdgeError("unplugged")), threading.Event(), lambda line: None),
    ):
        pass


def test_the_camera_is_let_go_before_it_is_closed():
    """A driver that is read after its end crashes the process: the thread must be over by then."""

    class Watched(FaultyCamera):
        reading = read_after_close = False

        def __exit__(self, *exc):
            self.read_after_close |= self.reading
            super().__exit__(*exc)

        def __iter__(self):
            self.reading = True
            try:
                yield from super().__iter__()
            finally:
                self.reading = False

    from device.runtime.session import run_session
    from device.runtime.stopping import Stop

    class Nobody:
        latency = LatencyRecorder()

        def results(self, frames):
            return (FrameResult(frame, datetime.now(UTC), 0.0) for frame in frames)

    source = Watched(noise(3000))
    statistics = run_session(source, Nobody(), [], Stop(), max_frames=5)
    assert statistics.frames == 5
    assert source.closed == 1
    assert not source.read_after_close
