"""A USB webcam by V4L2."""

import contextlib
import errno
import fcntl
import logging
import os
import struct
from pathlib import Path

import cv2
import numpy as np

from device.capture.settings import USUAL_RATE, USUAL_SIZE_WH, CameraSettings
from device.capture.sources.opencv import CaptureSource
from device.errors import EdgeError, UsageError
from device.text import did_you_mean

log = logging.getLogger(__name__)

# Seconds that a camera may be silent before OpenCV gives up a read; its own choice is 10.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
# V4L2's controls by the names that v4l2-ctl prints, as OpenCV knows them.
CONTROLS = {
    "brightness": cv2.CAP_PROP_BRIGHTNESS,
    "contrast": cv2.CAP_PROP_CONTRAST,
    "saturation": cv2.CAP_PROP_SATURATION,
    "sharpness": cv2.CAP_PROP_SHARPNESS,
    "gain": cv2.CAP_PROP_GAIN,
    "auto_exposure": cv2.CAP_PROP_AUTO_EXPOSURE,
    "exposure": cv2.CAP_PROP_EXPOSURE,
    "focus_automatic_continuous": cv2.CAP_PROP_AUTOFOCUS,
    "focus_absolute": cv2.CAP_PROP_FOCUS,
    "white_balance_automatic": cv2.CAP_PROP_AUTO_WB,
    "white_balance_temperature": cv2.CAP_PROP_WB_TEMPERATURE,
    "zoom_absolute": cv2.CAP_PROP_ZOOM,
}
VIDEO_CLASS = Path("/sys/class/video4linux")
# Of linux/videodev2.h: the question what a device can do, the size and the place of its answer, pictures from a camera.
VIDIOC_QUERYCAP, CAPABILITY_BYTES, DEVICE_CAPS_AT, VIDEO_CAPTURE = 0x80685600, 104, 88, 0x1
# Cheap cameras send an empty picture now and then, some at their start; one that sends nothing else is of no use.
MOST_EMPTY_IN_A_ROW = 30


def usb_cameras(video_class: Path = VIDEO_CLASS) -> list[int]:
    """Return the numbers N of the /dev/videoN that a USB camera delivers on, lowest first.

    A camera has a second node for metadata (``index`` 1), and a Pi's codecs and ISP are nodes as well: only
    first nodes whose device hangs on USB count.
    """
    numbers = []
    for node in video_class.glob("video*"):
        try:
            first = (node / "index").read_text().strip() == "0"
        except OSError:
            continue
        if first and "/usb" in str(node.resolve()):
            numbers.append(int(node.name.removeprefix("video")))
    return sorted(numbers)


class UsbCamera(CaptureSource):
    """``/dev/videoN``: B, G, R at 640 x 480 and 30 frames a second unless ``settings`` say otherwise.

    Motion JPEG where the camera has it; an empty picture is passed over. A size or a rate that the camera has not
    is told in a warning; it gives the nearest.
    """

    def __init__(self, number: int, settings: CameraSettings | None = None):
        super().__init__()
        self.number = number
        self.settings = settings or CameraSettings()
        self.controls = [(name, text, *_control(name, text)) for name, text in self.settings.controls]
        self.device = f"/dev/video{number}"
        self.name = f"usb:{number}"

    def _open(self) -> cv2.VideoCapture:
        self._check_device()
        capture = cv2.VideoCapture(self.number, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise EdgeError(self._why_closed())
        # Uncompressed 640x480 at 30/s does not fit through USB 2 beside anything else.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        width, height = self.settings.size_wh or USUAL_SIZE_WH
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, self.settings.rate or USUAL_RATE)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        for name, text, prop, value in self.controls:
            if not capture.set(prop, value):
                capture.release()
                raise EdgeError(
                    f"{self.device} does not take `control` {name}={text}; 'v4l2-ctl -d {self.device} -l' lists its "
                    "controls and their ranges"
                )
        self._tell_refusals(capture)
        return capture

    def _read(self, capture: cv2.VideoCapture) -> tuple[bool, np.ndarray | None]:
        for _ in range(MOST_EMPTY_IN_A_ROW):
            if not capture.grab():
                break
            with contextlib.suppress(cv2.error):  # it is empty
                decoded, image = capture.retrieve()
                if decoded:
                    return True, image
        return False, None

    def _tell_refusals(self, capture: cv2.VideoCapture) -> None:
        size_wh = (
            round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        if self.settings.size_wh not in (None, size_wh):
            asked = "{}x{}".format(*self.settings.size_wh)
            log.warning("%s has no pictures of %s; it gives %dx%d", self.device, asked, *size_wh)
        rate = capture.get(cv2.CAP_PROP_FPS)
        if self.settings.rate and rate > 0 and abs(rate - self.settings.rate) > 1:
            log.warning("%s does not give %g frames a second, but %g", self.device, self.settings.rate, rate)

    def _why_closed(self) -> str:
        """Return why OpenCV does not read a device that opens."""
        can = 0
        with contextlib.suppress(OSError), open(self.device, "rb+", buffering=0) as device:
            answer = fcntl.ioctl(device, VIDIOC_QUERYCAP, bytes(CAPABILITY_BYTES))
            can = struct.unpack_from("<I", answer, DEVICE_CAPS_AT)[0]
        if can & VIDEO_CAPTURE:
            return f"{self.device} is a camera but gives no pictures; another program reads it: close that"
        return f"{self.device} opens but is no camera; 'v4l2-ctl --list-devices' names the right one"

    def _check_device(self) -> None:
        """Say why the device cannot be opened; OpenCV itself only says that it cannot."""
        try:
            os.close(os.open(self.device, os.O_RDWR | os.O_NONBLOCK))
        except FileNotFoundError:
            there = ", ".join(f"usb:{number}" for number in usb_cameras()) or "none"
            raise EdgeError(f"no {self.device}; USB cameras found: {there}; is it plugged in?") from None
        except PermissionError:
            raise EdgeError(
                f"no permission for {self.device}; 'sudo usermod -aG video $USER', then log in again"
            ) from None
        except OSError as error:
            reason = (
                "is busy: another program has it"
                if error.errno == errno.EBUSY
                else f"fails: {error.strerror}"
            )
            raise EdgeError(
                f"{self.device} {reason}; close the other program or name another source"
            ) from None


def _control(name: str, text: str) -> tuple[int, float]:
    """Return OpenCV's number of a V4L2 control and its value; UsageError for an unknown name or no number."""
    if name not in CONTROLS:
        meant = did_you_mean(name, CONTROLS)
        raise UsageError(f"no control {name} of a USB camera; {meant}there are: {', '.join(CONTROLS)}")
    try:
        return CONTROLS[name], float(text)
    except ValueError:
        raise UsageError(f"`control` {name}={text}: expected a number") from None
