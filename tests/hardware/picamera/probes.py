"""Runs in the tree, a function a test: what the camera source does there, as JSON."""

import gc
import json
import sys
import threading
import time
from itertools import islice

import cv2

from device.capture.live_capture import LiveCapture
from device.capture.settings import CameraSettings
from device.capture.sources import open_source
from device.capture.sources import picamera as room
from device.errors import EdgeError


def camera(model, settings=None):
    cameras = room.picamera2_class().global_camera_info()
    return open_source(f"picamera:{next(one['Num'] for one in cameras if one['Model'] == model)}", settings)


def requests_in_use() -> int:
    from picamera2.request import CompletedRequest

    return sum(isinstance(one, CompletedRequest) and one.ref_count > 0 for one in gc.get_objects())


def rss_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def film() -> dict:
    path = "/opt/fer-edge/film/{}.jpg"
    pictures = [cv2.imread(path.format(number), cv2.IMREAD_GRAYSCALE) for number in range(58)]
    frames = []
    for _ in range(2):
        with camera("film") as source:
            for frame in islice(source, 5):
                off = min(float(cv2.absdiff(frame.image, picture).mean()) for picture in pictures)
                shape, dtype = frame.image.shape, str(frame.image.dtype)
                frames.append(
                    {
                        "index": frame.index,
                        "shape": shape,
                        "dtype": dtype,
                        "captured_ns": frame.captured_ns,
                        "off": off,
                    }
                )
    return {"problem": room.picamera_problem(), "frames": frames}


def colours() -> dict:
    with camera("colours") as source:
        levels = {round(float(frame.image.mean())) for frame in islice(source, 100)}
        return {"levels": list(levels), "range_asked": source.camera.asked["colour_space"].range.name}


def in_colour() -> dict:
    with camera("colours", CameraSettings(colour=True)) as source:
        frames = [frame.image for frame in islice(source, 100)]
        means = {tuple(round(float(level)) for level in image.mean(axis=(0, 1))) for image in frames}
        return {"bgr": sorted(means), "format": source.format}


def sensor_mode() -> dict:
    with camera("film") as source:
        shape = next(iter(source)).image.shape
        asked = source.camera.asked
        return {
            "sensor": source.camera.sensor_asked,
            "main": source.camera.size_asked,
            "shape": shape,
            "durations": asked["controls"]["FrameDurationLimits"],
        }


def refused() -> dict:
    """A control that the camera lacks, then a format that is not understood: what is left of the camera."""
    found = {}
    for name, settings, formats in (("control", [("Nothing", "3")], room.GRAY_FIRST), ("format", [], ())):
        room.GRAY_FIRST = formats
        source = camera("film", CameraSettings(controls=tuple(settings)))
        try:
            with source:
                pass
        except EdgeError as error:
            found[name] = {"error": str(error), "held": source.camera is not None}
    return found


def many() -> dict:
    with camera("film") as source:
        for frame in islice(source, 5000):
            if frame.index == 1000:
                before_kib = rss_kib()
        grown_kib, in_use = rss_kib() - before_kib, requests_in_use()
    return {
        "frames": frame.index + 1,
        "grown_kib": grown_kib,
        "requests_in_use": in_use,
        "requests_after_closing": requests_in_use(),
        "threads_after_closing": threading.active_count(),
    }


def interrupted() -> dict:
    room.TIMEOUT_S = 60
    room.picamera2_class().frames_until_stall = 20
    stop = threading.Event()
    with camera("film") as source:
        frames = LiveCapture(source, stop, lambda line: None).frames()
        next(frames)
        time.sleep(1)  # into the stall
        asked_s = time.monotonic()
        stop.set()
        for _ in frames:
            pass
    return {"took_s": time.monotonic() - asked_s, "threads_after_closing": threading.active_count()}


print(json.dumps(globals()[sys.argv[1]]()))
