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
        return json.loads(os.environ["SENSOR_MODES"])

    @property
    def camera_controls(self):
        more = {"ScalerCrop": ((0, 0, 64, 64), (0, 0, 640, 480), (0, 0, 640, 480))}
        return super().camera_controls | (more if "SENSOR_MODES" in os.environ else {})

    def create_video_configuration(self, **asked):
        self.sensor_asked, self.size_asked = asked.get("sensor"), asked.get("main", {}).get("size")
        return super().create_video_configuration(**asked)

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
