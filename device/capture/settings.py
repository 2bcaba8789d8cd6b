"""What is asked of a camera: picture size, rate, orientation, its own controls."""

import re
from dataclasses import dataclass

from device.errors import UsageError

USUAL_RATE = 30.0
USUAL_WIDTH_PX = 640
USUAL_SIZE_WH = (USUAL_WIDTH_PX, 480)
ROTATIONS = (0, 90, 180, 270)
FLIPS = ("horizontal", "vertical", "both")
SMALLEST_PX, LARGEST_PX = 64, 8192


@dataclass(frozen=True)
class CameraSettings:
    """What is asked of a source.

    ``size_wh``: of its pictures before turning, None for the source's own choice; ``rate``: frames a second, None
    for 30; ``rotate``: degrees clockwise, of ROTATIONS; ``flip``: of FLIPS, after rotating; ``controls``: names and
    values as typed, libcamera's for the Pi's camera, V4L2's for USB; ``colour``: whether somebody, or a network
    that sees colours, will see the pictures, else gray is enough.
    """

    size_wh: tuple[int, int] | None = None
    rate: float | None = None
    rotate: int = 0
    flip: str | None = None
    controls: tuple[tuple[str, str], ...] = ()
    colour: bool = False

    def asked_of_a_camera(self) -> list[str]:
        """Return the options that only a camera can follow, as they are typed."""
        asked = {"`size`": self.size_wh, "`fps`": self.rate, "`control`": self.controls}
        return [name for name, value in asked.items() if value]


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height of ``WIDTHxHEIGHT``; UsageError for anything else, or an odd or absurd number."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    size_wh = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(SMALLEST_PX <= side <= LARGEST_PX and side % 2 == 0 for side in size_wh):
        raise UsageError(
            f"`size` is {text}; expected WIDTHxHEIGHT in even numbers from {SMALLEST_PX} to {LARGEST_PX}, "
            "such as 640x480"
        )
    return size_wh


def parse_control(text: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``; UsageError where either is missing."""
    name, _, value = text.partition("=")
    if not name.strip() or not value.strip():
        raise UsageError(f"`control` is {text!r}; expected NAME=VALUE, such as ExposureTime=20000")
    return name.strip(), value.strip()
