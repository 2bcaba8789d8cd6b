"""The Raspberry Pi's camera by picamera2: the whole field of view, the gray plane of a small YUV stream."""

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from device.capture.settings import USUAL_RATE, USUAL_SIZE_WH, USUAL_WIDTH_PX, CameraSettings
from device.capture.sources.libcamera_controls import asked_controls, default_controls
from device.capture.sources.sensor_mode import choose_sensor_mode
from device.errors import EdgeError
from device.frames import Frame, FrameSource

VENV = "'python3 -m venv --system-site-packages'"
TIMEOUT_S = 3.0  # a camera that stalls does so silently: every wait has an end
GRAY_FIRST = ("YUV420", "YVU420", "NV12", "NV21")  # formats whose first bytes are the gray plane


def picamera_problem() -> str | None:
    """Return why no camera module can be used here, or None."""
    if importlib.util.find_spec("picamera2") is None:
        if Path("/usr/lib/python3/dist-packages/picamera2").exists():
            return f"installed by apt but hidden from this environment: make it with {VENV}"
        return "not installed: on Raspberry Pi OS 'sudo apt install python3-picamera2'"
    try:
        cameras = picamera2_class().global_camera_info()
    except EdgeError as error:
        return str(error)
    # libcamera lists USB webcams too; those are better read by V4L2.
    if all("usb" in camera["Id"].lower() for camera in cameras):
        return "no camera module is connected: check the ribbon cable"
    return None


def picamera2_class() -> Any:
    """Import picamera2 now, because importing it opens /dev/video*, and return its ``Picamera2``."""
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")  # it tells its life on standard error
    try:
        import picamera2
    except ImportError as error:
        raise EdgeError(
            f"picamera2 cannot be used ({error}); install it with 'sudo apt install python3-picamera2' and make the "
            f"environment with {VENV}, so that it sees libcamera's bindings"
        ) from None
    return picamera2.Picamera2


class PiCamera(FrameSource):
    """One of picamera2's cameras: ``(H, W) uint8`` gray frames stamped by the sensor; B, G, R if ``settings.colour``.

    Pictures are 640 pixels wide, and as high as the sensor's own shape makes them, unless ``settings.size_wh`` says
    otherwise.
    """

    def __init__(
        self,
        number: int = 0,
        settings: CameraSettings | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ):
        self.number = number
        self.name = f"picamera:{number}" if number else "picamera"
        self.settings = settings or CameraSettings()
        self.clock_ns = clock_ns
        self.camera: Any = None

    def __enter__(self) -> "PiCamera":
        picamera2 = picamera2_class()
        try:
            self.camera = picamera2(self.number)
            self._configure()
            self.camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            self.__exit__()
            raise EdgeError(
                f"the Pi's camera does not open: {error}; is it connected, or used by another program?"
            ) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def _configure(self) -> None:
        from libcamera import ColorSpace

        rate = self.settings.rate or USUAL_RATE
        ranges = self.camera.camera_controls
        # Only a camera whose view can be cropped has sensor modes to choose from; others log an error when asked.
        mode = choose_sensor_mode(self.camera.sensor_modes, rate) if "ScalerCrop" in ranges else None
        controls = default_controls(ranges, rate) | asked_controls(self.settings.controls, ranges)
        # Sycc: gray from 0 to 255, as the network was trained; a small video's own choice is 16 to 235.
        configuration = self.camera.create_video_configuration(
            main={"size": self.settings.size_wh or usual_size_wh(mode), "format": "YUV420"},
            sensor={"output_size": mode["size"], "bit_depth": mode["bit_depth"]} if mode else {},
            colour_space=ColorSpace.Sycc(),
            controls=controls,
            buffer_count=4,
            queue=False,
        )
        self.camera.configure(configuration)
        granted = self.camera.camera_configuration()["main"]
        if granted["format"] not in GRAY_FIRST:
            raise EdgeError(f"the camera grants {granted['format']}; expected one of {', '.join(GRAY_FIRST)}")
        self.format, self.size_wh, self.stride = granted["format"], tuple(granted["size"]), granted["stride"]

    def __exit__(self, *exc: object) -> None:
        camera, self.camera = self.camera, None
        if camera is not None:
            camera.close()  # never stop() first: that queues behind a capture that a stalled camera leaves undone

    def interrupt(self) -> None:
        """End the wait for a frame in which another thread is."""
        camera = self.camera
        if camera is not None:
            camera.cancel_all_and_flush()

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while self.camera is not None:
            try:
                request = self.camera.capture_request(wait=TIMEOUT_S)
            except TimeoutError:
                raise EdgeError(
                    f"the camera delivered nothing for {TIMEOUT_S:g} s after {index} frames"
                ) from None
            except CancelledError:
                return
            try:
                stamp_ns = request.get_metadata().get("SensorTimestamp")
                # Copied: the buffer goes back to the camera, and a kept request would stall it.
                image = self._picture(request.make_buffer("main"))
            finally:
                request.release()
            yield Frame(image, index, self._captured_ns(stamp_ns))
            index += 1

    def _picture(self, buffer: np.ndarray) -> np.ndarray:
        if self.settings.colour:
            return bgr_picture(buffer, self.size_wh, self.stride, self.format)
        return gray_plane(buffer, self.size_wh, self.stride).copy()

    def _captured_ns(self, stamp_ns: int | None) -> int:
        """Return the sensor's time where it is on the monotonic clock (it is on a Pi), else now."""
        now = self.clock_ns()
        return stamp_ns if stamp_ns and 0 <= now - stamp_ns < 2_000_000_000 else now


def gray_plane(buffer: np.ndarray, size_wh: tuple[int, int], stride: int) -> np.ndarray:
    """Return the ``(H, W) uint8`` gray plane at the head of a planar YUV buffer with rows of ``stride`` bytes."""
    width, height = size_wh
    return buffer[: stride * height].reshape(height, stride)[:, :width]


def bgr_picture(buffer: np.ndarray, size_wh: tuple[int, int], stride: int, layout: str) -> np.ndarray:
    """Return ``(H, W, 3) uint8`` B, G, R of a planar YUV buffer of ``layout``, one of GRAY_FIRST, at full range.

    Chroma has half the size each way; rows of its planes are ``stride / 2`` bytes apart, or ``stride`` where both
    are interleaved. A Pi 5 pads rows to 64 bytes. OpenCV's own conversions from YUV420 expect 16 to 235.
    """
    width, height = size_wh
    luma = gray_plane(buffer, size_wh, stride)
    chroma = buffer[stride * height : stride * height + stride * (height // 2)]
    if layout in ("NV12", "NV21"):
        pairs = chroma.reshape(height // 2, stride)[:, :width].reshape(height // 2, width // 2, 2)
        first, second = pairs[..., 0], pairs[..., 1]
    else:
        planes = chroma.reshape(2, height // 2, stride // 2)[:, :, : width // 2]
        first, second = planes
    blue, red = (first, second) if layout in ("YUV420", "NV12") else (second, first)
    red, blue = (cv2.resize(np.ascontiguousarray(plane), size_wh) for plane in (red, blue))
    return cv2.cvtColor(cv2.merge([np.ascontiguousarray(luma), red, blue]), cv2.COLOR_YCrCb2BGR)


def usual_size_wh(mode: dict[str, Any] | None) -> tuple[int, int]:
    """Return the picture size for a sensor mode: 640 wide, and of the mode's own shape, so that nothing is cut off."""
    if mode is None:
        return USUAL_SIZE_WH
    width, height = mode["size"]
    return USUAL_WIDTH_PX, 2 * round(USUAL_WIDTH_PX * height / width / 2)
