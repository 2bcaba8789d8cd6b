"""libcamera's controls by name, as a user types them, checked against what the camera has."""

from collections.abc import Mapping, Sequence
from typing import Any

from device.errors import EdgeError
from device.text import did_you_mean

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
CONTINUOUS_AUTOFOCUS = 2  # libcamera's AfModeEnum.Continuous
# A frame may take this long in a dark room: 30 a second would leave 33 ms for the exposure.
LONGEST_FRAME_US = 66_667

Ranges = Mapping[str, tuple[Any, Any, Any]]  # picamera2's camera_controls: lowest, highest, default


def default_controls(ranges: Ranges, rate: float) -> dict[str, Any]:
    """Return what every run asks: ``rate`` frames a second, fewer in the dark, and autofocus where the camera has it.

    picamera2 itself leaves the focus of a Camera Module 3 where it stands.
    """
    shortest_us = round(1e6 / rate)
    controls: dict[str, Any] = {"FrameDurationLimits": (shortest_us, max(shortest_us, LONGEST_FRAME_US))}
    if "AfMode" in ranges:
        controls["AfMode"] = CONTINUOUS_AUTOFOCUS
    return controls


def asked_controls(asked: Sequence[tuple[str, str]], ranges: Ranges) -> dict[str, Any]:
    """Return the controls of ``--control NAME=VALUE`` with values of the camera's own types.

    EdgeError for a name that the camera does not have, or a value that is not one or lies outside its range.
    """
    return {name: _value(name, text, ranges) for name, text in asked}


def _value(name: str, text: str, ranges: Ranges) -> Any:
    if name not in ranges:
        meant = did_you_mean(name, ranges)
        raise EdgeError(f"this camera has no control {name}; {meant}it has: {', '.join(sorted(ranges))}")
    lowest, highest, default = ranges[name]
    kind = default if default is not None else lowest
    try:
        value = _parsed(text, kind)
    except ValueError:
        raise EdgeError(f"`control` {name}={text}: expected {_kind_named(kind)}") from None
    beyond = isinstance(value, int | float) and not isinstance(value, bool) and not lowest <= value <= highest
    # Some controls tell 0 as their highest value and mean that there is none (an IMX296's ExposureTime).
    if beyond and not (highest == 0 and value >= lowest):
        raise EdgeError(f"`control` {name}={text}: expected a value from {lowest} to {highest}")
    return value


def _parsed(text: str, kind: Any) -> Any:
    if isinstance(kind, bool):
        if text.lower() not in (*YES, *NO):
            raise ValueError
        return text.lower() in YES
    if isinstance(kind, int):
        return int(text)
    if isinstance(kind, tuple | list) or "," in text:
        return tuple(float(part) if "." in part else int(part) for part in text.split(","))
    return float(text)


def _kind_named(kind: Any) -> str:
    if isinstance(kind, bool):
        return "true or false"
    if isinstance(kind, int):
        return "a whole number"
    return "numbers with commas between" if isinstance(kind, tuple | list) else "a number"
