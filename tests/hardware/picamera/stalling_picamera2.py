"""Stands before the real picamera2 in the tree: gives it the virtual camera, which stalls after $STALL_AFTER frames.

A stall holds every request back, so that libcamera has no buffer left to fill; the next opening is well again.
"""

import os
import sys

sys.path.remove(os.path.dirname(__file__))
del sys.modules["picamera2"]
import virtual_picamera2


class Camera(virtual_picamera2.VirtualPicamera2):
    frames_until_stall = int(os.environ.get("STALL_AFTER", 10**9))
    held: list = []  # noqa: RUF012

    def configure(self, configuration):
        self.asked = configuration
        super().configure(configuration)

    def start(self, *arguments, **named):
        self.pre_callback = self.count if Camera.frames_until_stall > 0 else None
        super().start(*arguments, **named)

    def count(self, request):
        Camera.frames_until_stall -= 1
        if Camera.frames_until_stall < 0:
            request.acquire()
            self.held.append(request)


sys.modules["picamera2"].Picamera2 = Camera
