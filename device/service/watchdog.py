"""Telling systemd that the service lives: its notification socket, and a sink that feeds the watchdog."""

import contextlib
import os
import socket
import time
from collections.abc import Callable

import numpy as np

from device.faces.cropping import CROP_SIZE_PX, crop_face
from device.frames import BoundingBox
from device.results import FrameResult

FRESH_MS = 2000.0  # an older result comes from a stalled camera
PROVE_S = 10.0  # while nobody is there the network is tried this often


def notify_socket() -> str | None:
    """Return where systemd listens, or None outside a service of ``Type=notify``."""
    return os.environ.get("NOTIFY_SOCKET")


def notify(address: str, state: str) -> None:
    """Send ``state``, such as ``READY=1``, to the socket at ``address``; a leading @ is an abstract one."""
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), name)


class WatchdogSink:
    """Reports READY with the first result, then feeds the watchdog while the whole way works.

    It is fed only by a fresh frame with a finished inference. A frame without a face needs none, so then the
    middle of the picture is judged by ``predict`` now and then.
    """

    name = "watchdog"

    def __init__(
        self,
        address: str,
        predict: Callable[[np.ndarray], np.ndarray],
        every_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ):
        self.address, self.predict, self.every_s, self.clock_s = address, predict, every_s, clock_s
        self._fed_s = self._proved_s = float("-inf")
        self._ready = False

    def write(self, result: FrameResult) -> None:
        now_s = self.clock_s()
        if now_s - self._fed_s < self.every_s or result.age_ms > FRESH_MS:
            return
        if result.faces:
            self._proved_s = now_s
        elif now_s - self._proved_s >= PROVE_S:
            self._prove(result)
            self._proved_s = now_s
        told = [
            f"STATUS={result.summary}, {result.latency_ms.get('frame', 0.0):.1f} ms a frame",
            "WATCHDOG=1",
        ]
        if not self._ready:
            told.insert(0, "READY=1")
        self._send("\n".join(told))
        self._ready, self._fed_s = True, now_s

    def _prove(self, result: FrameResult) -> None:
        width, height = result.frame.size_wh
        crop = crop_face(result.frame.image, BoundingBox(0, 0, width, height), 0.5)
        assert crop.shape == (CROP_SIZE_PX, CROP_SIZE_PX)
        if not np.isfinite(self.predict(crop[None])).all():
            raise RuntimeError("the network gives no numbers")

    def close(self) -> None:
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        with contextlib.suppress(OSError):  # systemd restarts what it does not hear from
            notify(self.address, state)


def watchdog_period_s() -> float:
    """Return how often to feed: a third of what systemd waits, once a second at most."""
    return max(1.0, int(os.environ.get("WATCHDOG_USEC", "30000000")) / 3e6)
