"""Which of a camera module's modes to read: the whole field of view, no more pixels than needed."""

import logging
from collections.abc import Sequence
from typing import Any

log = logging.getLogger(__name__)

WHOLE = 0.99  # of the largest crop: modes differ by a border of some pixels
RATE_REACHED = 0.99  # sensors tell 29.97 and 30.02


def choose_sensor_mode(modes: Sequence[dict[str, Any]], rate: float) -> dict[str, Any] | None:
    """Return the smallest mode that shows the whole sensor at ``rate`` frames a second.

    ``modes`` are picamera2's ``sensor_modes``: ``size`` (width, height) read out, ``crop_limits`` (x, y, width,
    height) of the sensor that this shows, ``fps`` at most, ``bit_depth``. Where no such mode is fast enough, the
    fastest that shows the whole sensor, with a warning: a narrower view would lose faces at the sides. None where
    the modes do not tell what they show, as those of a camera without raw formats.

    Left to itself picamera2 takes the mode nearest to the picture asked for: an IMX219 then reads 1280x960 of its
    3280x2464 pixels (raspberrypi/picamera2#683, #1233).
    """
    told = [mode for mode in modes if {"size", "crop_limits", "fps"} <= mode.keys()]
    if not told:
        return None
    largest = max(_shown(mode) for mode in told)
    whole = [mode for mode in told if _shown(mode) >= WHOLE * largest]
    fast = [mode for mode in whole if mode["fps"] >= RATE_REACHED * rate]
    if fast:
        return min(fast, key=lambda mode: (_pixels(mode), -mode.get("bit_depth", 0)))
    slow = max(whole, key=lambda mode: mode["fps"])
    log.warning(
        "this camera shows its whole field of view at %g frames a second at most, not at %g",
        slow["fps"],
        rate,
    )
    return slow


def _shown(mode: dict[str, Any]) -> int:
    _, _, width, height = mode["crop_limits"]
    return int(width * height)


def _pixels(mode: dict[str, Any]) -> int:
    width, height = mode["size"]
    return int(width * height)
