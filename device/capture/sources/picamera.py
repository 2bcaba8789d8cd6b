"""The Raspberry Pi's camera by picamera2: the gray plane of a small YUV stream, without any conversion."""

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.frames import Frame, FrameSource

SIZE_WH = (640, 480)
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
    """One of picamera2's cameras: ``(480, 640) uint8`` gray frames stamped by the sensor."""

    live = True
    continuous = True

    def __init__(
        self,
        number: int = 0,
        size_wh: tuple[int, int] = SIZE_WH,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ):
        self.number = number
        self.name = f"picamera:{number}" if number else "picamera"
        self.size_wh = size_wh
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
        return self

    def _configure(self) -> None:
        from libcamera import ColorSpace

        # Sycc: gray from 0 to 255, as the network was trained; a small video's own choice is 16 to 235.
        configuration = self.camera.create_video_configuration(
            main={"size": self.size_wh, "format": "YUV420"},
            colour_space=ColorSpace.Sycc(),
            buffer_count=4,
            queue=False,
        )
        self.camera.configure(configuration)
        granted = self.camera.camera_configuration()["main"]
        if granted["format"] not in GRAY_FIRST:
            raise EdgeError(f"the camera grants {granted['format']}; expected one of {', '.join(GRAY_FIRST)}")
        self.size_wh = tuple(granted["size"])
        self.stride = granted["stride"]

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
                gray = gray_plane(request.make_buffer("main"), self.size_wh, self.stride).copy()
            finally:
                request.release()
            yield Frame(gray, index, self._captured_ns(stamp_ns))
            index += 1

    def _captured_ns(self, stamp_ns: int | None) -> int:
        """Return the sensor's time where it is on the monotonic clock (it is on a Pi), else now."""
        now = self.clock_ns()
        return stamp_ns if stamp_ns and 0 <= now - stamp_ns < 2_000_000_000 else now


def gray_plane(buffer: np.ndarray, size_wh: tuple[int, int], stride: int) -> np.ndarray:
    """Return the ``(H, W) uint8`` gray plane at the head of a planar YUV buffer with rows of ``stride`` bytes."""
    width, height = size_wh
    return buffer[: stride * height].reshape(height, stride)[:, :width]
