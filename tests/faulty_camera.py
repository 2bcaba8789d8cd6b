"""A camera with faults that a test writes down: no kernel here can be given one to unplug."""

import threading
import time

import numpy as np

from device.capture.live_capture import LiveCapture
from device.frames import Frame, FrameSource


class FaultyCamera(FrameSource):
    """Delivers ``scripts[k]`` at its k-th opening: pictures, or an exception to raise."""

    name, live, continuous = "faulty", True, True

    def __init__(self, *scripts, pause_s: float = 0.002):
        self.scripts = list(scripts)
        self.pause_s = pause_s
        self.opened = self.closed = self.delivered = 0

    def __enter__(self):
        self.opened += 1
        script = self.scripts[min(self.opened, len(self.scripts)) - 1]
        if isinstance(script, Exception):
            raise script
        self.script = script
        return self

    def __exit__(self, *exc):
        self.closed += 1

    def __iter__(self):
        for index, step in enumerate(self.script):
            if isinstance(step, Exception):
                raise step
            time.sleep(self.pause_s)
            self.delivered += 1
            yield Frame(step, index, time.monotonic_ns())


def noise(number: int) -> list[np.ndarray]:
    rng = np.random.default_rng(number)
    return [rng.integers(0, 256, (64, 64), dtype=np.uint8) for _ in range(number)]


def collect(source, most: int, meanwhile: int = 0):
    """Take ``most`` frames; before the next is taken the camera has delivered ``meanwhile`` more."""
    stop, said = threading.Event(), []
    frames = []
    with source:
        capture = LiveCapture(source, stop, said.append)
        for frame in capture.frames():
            frames.append(frame)
            delivered = source.delivered
            while source.delivered < delivered + meanwhile:
                time.sleep(0.001)
            if len(frames) == most:
                stop.set()
    return frames, capture, said
