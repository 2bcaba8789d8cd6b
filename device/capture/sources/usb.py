"""A USB webcam by V4L2."""

import errno
import os
from pathlib import Path

from device.capture.sources.opencv import CaptureSource, cv2
from device.errors import EdgeError

# Seconds that a camera may be silent before OpenCV gives up a read; its own choice is 10.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
SIZE_WH = (640, 480)
RATE = 30
VIDEO_CLASS = Path("/sys/class/video4linux")


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
    """``/dev/videoN`` at 640 x 480, 30 frames a second, Motion JPEG where the camera has it."""

    def __init__(self, number: int, **kwargs):
        super().__init__(**kwargs)
        self.number = number
        self.device = f"/dev/video{number}"
        self.name = f"usb:{number}"

    def _open(self) -> cv2.VideoCapture:
        self._check_device()
        capture = cv2.VideoCapture(self.number, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise EdgeError(
                f"{self.device} opens but is no camera; 'v4l2-ctl --list-devices' names the right one"
            )
        # Uncompressed 640x480 at 30/s does not fit through USB 2 beside anything else.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, SIZE_WH[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, SIZE_WH[1])
        capture.set(cv2.CAP_PROP_FPS, RATE)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

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
