"""Stands before the real picamera2 in the tree: gives it the virtual camera, which stalls after $STALL_AFTER frames.

It tells the sensor modes in $SENSOR_MODES, recorded from a real module, which libcamera's virtual camera cannot have.
A stall holds every request back, so that libcamera has no buffer left to fill; the next opening is well again.
"""

import json
import os
import sys

sys.path.remove(os.path.dirname(__file__))
del sys.modules["picamera2"]
import virtual_picamera2


class Camera(virtual_picamera2.VirtualPicamera2):
    frames_until_stall = int(os.environ.get("STALL_AFTER", 10**9))
    held: list = []  # noqa: RUF012

    @property
    def sensor_modes(self):
        recorded = os.environ.get("SENSOR_MODES")
        return json.loads(recorded) if recorded else super().sensor_modes

    def configure(self, configuration):
        self.asked = dict(configuration)
        if os.environ.get("SENSOR_MODES"):
            configuration["sensor"] = None  # the virtual camera has none of the recorded modes
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
