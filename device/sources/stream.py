"""A camera on the network: Motion JPEG over HTTP, or RTSP."""

import os
import re

from device.errors import EdgeError
from device.sources.opencv import CaptureSource, cv2

TIMEOUT_MS = 5000  # to open, and between frames


class NetworkStream(CaptureSource):
    """An http(s) or rtsp address; RTSP by TCP, because lost UDP packets smear faces."""

    frozen_s = 60.0  # a compressed still scene may repeat its picture for long

    def __init__(self, address: str, timeout_ms: int = TIMEOUT_MS, **kwargs):
        super().__init__(**kwargs)
        self.address = address
        self.timeout_ms = timeout_ms
        self.name = without_password(address)

    def _open(self) -> cv2.VideoCapture:
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            self.timeout_ms,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            self.timeout_ms,
        ]
        capture = cv2.VideoCapture(self.address, cv2.CAP_FFMPEG, timeouts)
        if not capture.isOpened():
            raise EdgeError(f"{self.name} does not answer with a video within {self.timeout_ms / 1000:g} s")
        return capture


def without_password(address: str) -> str:
    """Return the address fit to be shown: its password as ``***``."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:***@", address)
