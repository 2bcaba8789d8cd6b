"""A camera on the network: Motion JPEG over HTTP, or RTSP."""

import contextlib
import os
import socket
import stat
import time
from urllib.parse import urlsplit

import cv2
import numpy as np

from device.capture.sources.opencv import CaptureSource, refuse_large
from device.errors import EdgeError, UsageError
from device.files import native_path
from device.text import without_password

TIMEOUT_MS = 5000  # to open, and between frames
PROBE_S = 1.0  # to tell a camera that is off from one that has no video
DAMAGED = 3  # pictures in a row that may come damaged
PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}


class NetworkStream(CaptureSource):
    """An http(s) or rtsp address; RTSP by TCP, because lost UDP packets smear faces."""

    frozen_s = 60.0  # a compressed still scene may repeat its picture for long

    def __init__(self, address: str, timeout_ms: int = TIMEOUT_MS):
        super().__init__()
        self.address = address
        self.timeout_ms = timeout_ms
        self.name = without_password(address)
        try:
            parts = urlsplit(address)
            self.host, self.port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        except ValueError:  # whose message may hold a part of the password
            raise UsageError(
                f"{self.name} is no address; expected http://HOST[:PORT]/… or rtsp://…, with / # @ in a password as "
                "%2F %23 %40"
            ) from None

    def _open(self) -> cv2.VideoCapture:
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            self.timeout_ms,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            self.timeout_ms,
        ]
        capture = cv2.VideoCapture(native_path(self.address), cv2.CAP_FFMPEG, timeouts)
        if capture.isOpened():
            refuse_large(capture, self.name, "set the camera to a smaller picture")
        # A first picture belongs to the opening: what only looks like a video ends the program, not a reader.
        if not capture.isOpened() or not capture.grab():
            capture.release()
            raise EdgeError(self._problem())
        pictures = capture.get(cv2.CAP_PROP_FRAME_COUNT)  # 0 or less of what has no end
        if pictures >= 1 and self.address.startswith("http"):
            capture.release()
            what, it = ("a single picture", "the picture") if pictures == 1 else ("a film with an end", "it")
            raise EdgeError(
                f"{self.name} is {what}, no stream; expected Motion JPEG or RTSP; look for the camera's address of "
                f"those, or fetch {it} and name its file"
            )
        return capture

    def _problem(self) -> str:
        """Return why it did not open; FFmpeg only says that it did not."""
        try:
            socket.create_connection((self.host, self.port), PROBE_S).close()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            return f"{self.name} does not answer: {reason}; is the camera on, and the address right?"
        return (
            f"{self.name} answers, but with no video within {self.timeout_ms / 1000:g} s; "
            f"are its path, user and password right?"
        )

    def _read(self, capture: cv2.VideoCapture) -> tuple[bool, np.ndarray | None]:
        """Pass over pictures that came damaged; a silence as long as the timeout is no such thing."""
        started_ns = time.monotonic_ns()
        for _ in range(DAMAGED):
            delivered, image = super()._read(capture)
            if delivered or time.monotonic_ns() - started_ns >= self.timeout_ms * 1_000_000:
                break
        return delivered, image

    def interrupt(self) -> None:
        """End the opening or read in which another thread waits: FFmpeg by itself waits for its timeout."""
        for number in map(int, os.listdir("/proc/self/fd")):
            with contextlib.suppress(OSError):  # closed meanwhile, or not connected
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    with socket.socket(fileno=os.dup(number)) as connection:
                        if connection.getpeername()[1:2] == (self.port,):
                            connection.shutdown(socket.SHUT_RDWR)
