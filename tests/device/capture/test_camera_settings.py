"""What a camera is asked for: sensor mode, controls, size, orientation, colour. Camera modules as recorded."""

import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.settings import CameraSettings, parse_control, parse_size
from device.capture.sources import open_source
from device.capture.sources.libcamera_controls import asked_controls, default_controls
from device.capture.sources.picamera import bgr_picture, gray_plane, usual_size_wh
from device.capture.sources.sensor_mode import choose_sensor_mode
from device.capture.sources.turned import turned
from device.capture.sources.usb import UsbCamera
from device.errors import EdgeError, UsageError

MODULES = json.loads(Path(__file__).with_name("camera_modules.json").read_text())


def modes(module: str) -> list[dict]:
    return MODULES[module]["sensor_modes"]


@pytest.mark.parametrize(
    ("module", "rate", "size", "picture"),
    [
        ("imx219", 30, [1640, 1232], (640, 480)),
        ("imx219", 20, [1640, 1232], (640, 480)),
        ("imx477", 30, [2028, 1520], (640, 480)),
        ("imx708", 30, [2304, 1296], (640, 360)),
        ("imx708", 14, [2304, 1296], (640, 360)),
        ("imx500", 30, [2028, 1520], (640, 480)),
        ("imx296", 30, [1456, 1088], (640, 478)),
    ],
)
def test_the_smallest_mode_that_shows_the_whole_sensor_is_read(module, rate, size, picture, caplog):
    mode = choose_sensor_mode(modes(module), rate)
    assert mode["size"] == size
    assert usual_size_wh(mode) == picture
    assert not caplog.records


def test_of_two_modes_of_a_size_the_deeper_one_is_read():
    assert choose_sensor_mode(modes("imx219"), 30)["bit_depth"] == 10
    assert choose_sensor_mode(modes("imx219")[::-1], 30)["bit_depth"] == 10


def test_a_rate_that_only_a_narrow_view_reaches_is_not_bought_with_it(caplog):
    with caplog.at_level(logging.WARNING):
        mode = choose_sensor_mode(modes("imx708"), 100)
    assert mode["size"] == [2304, 1296]
    assert "56.03 frames a second at most, not at 100" in caplog.text


@pytest.mark.parametrize("told", [[], [{"format": "NV12", "size": (640, 480)}]])
def test_modes_that_do_not_tell_what_they_show_leave_the_choice_to_picamera2(told):
    assert choose_sensor_mode(told, 30) is None
    assert usual_size_wh(None) == (640, 480)


def test_autofocus_runs_where_the_camera_has_it_and_exposure_may_grow_in_the_dark():
    found = default_controls(MODULES["imx708"]["camera_controls"], 30)
    assert found == {"FrameDurationLimits": (33333, 66667), "AfMode": 2}
    assert default_controls(MODULES["imx296"]["camera_controls"], 60) == {
        "FrameDurationLimits": (16667, 66667)
    }
    assert default_controls({}, 5) == {"FrameDurationLimits": (200000, 200000)}


@pytest.mark.parametrize(
    ("module", "asked", "value"),
    [
        ("imx708", "ExposureTime=20000", 20000),
        ("imx708", "AnalogueGain=2", 2.0),
        ("imx708", "AwbEnable=off", False),
        ("imx708", "AeEnable=True", True),
        ("imx708", "ColourGains=1.5,2", (1.5, 2)),
        ("imx708", "FrameDurationLimits=33333,100000", (33333, 100000)),
        ("imx296", "ExposureTime=5000", 5000),  # 'highest' is 0: none
    ],
)
def test_controls_get_the_type_that_the_camera_tells(module, asked, value):
    name, text = parse_control(asked)
    found = asked_controls([(name, text)], MODULES[module]["camera_controls"])
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Exposuretime=1", "did you mean ExposureTime"),
        ("Zoom=2", "no control Zoom; it has: AeEnable, AfMode"),
        ("ExposureTime=25", "expected a value from 26 to 220416802"),
        ("ExposureTime=fast", "expected a whole number"),
        ("AeEnable=perhaps", "expected true or false"),
        ("FrameDurationLimits=a,b", "expected numbers with commas between"),
        ("Brightness=1.5", "expected a value from -1.0 to 1.0"),
    ],
)
def test_wrong_controls_are_one_line(asked, said):
    with pytest.raises(EdgeError, match=said):
        asked_controls([parse_control(asked)], MODULES["imx708"]["camera_controls"])


@pytest.mark.parametrize("text", ["640", "640x", "641x480", "0x0", "640x480x3", "99999x2", "-2x480"])
def test_wrong_sizes_are_wrong_use(text):
    with pytest.raises(UsageError, match="expected WIDTHxHEIGHT"):
        parse_size(text)


def test_sizes_and_controls_as_typed():
    assert parse_size("1280x720") == (1280, 720)
    for text in ("=3", "Gain", "Gain="):
        with pytest.raises(UsageError, match="expected NAME=VALUE"):
            parse_control(text)


def test_usb_controls_are_checked_before_the_camera_is_opened():
    with pytest.raises(UsageError, match="did you mean brightness"):
        UsbCamera(0, CameraSettings(controls=(("brightnes", "3"),)))
    with pytest.raises(UsageError, match="expected a number"):
        UsbCamera(0, CameraSettings(controls=(("gain", "high"),)))


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [None, "horizontal", "vertical", "both"])
def test_pictures_are_rotated_clockwise_and_then_flipped(rotate, flip):
    """As numpy turns them: -k quarters are clockwise."""
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)
    expected = np.rot90(image, -rotate // 90)
    axes = {None: (), "horizontal": (1,), "vertical": (0,), "both": (0, 1)}[flip]
    assert (turned(image, rotate, flip) == np.flip(expected, axes)).all()


def test_any_source_can_be_turned():
    straight = [frame.image for frame in open_source_read(CameraSettings())]
    sideways = open_source("demo:3", CameraSettings(rotate=90))
    assert (sideways.name, sideways.live, sideways.continuous) == ("demo", False, True)
    with sideways:
        pictures = [frame.image for frame in sideways]
    assert [picture.shape for picture in pictures] == [(640, 480, 3)] * 3
    assert all(
        (cv2.rotate(a, cv2.ROTATE_90_CLOCKWISE) == b).all() for a, b in zip(straight, pictures, strict=True)
    )


def open_source_read(settings: CameraSettings) -> list:
    with open_source("demo:3", settings) as source:
        return list(source)


@pytest.mark.parametrize(
    "settings",
    [CameraSettings(size_wh=(320, 240)), CameraSettings(rate=10), CameraSettings(controls=(("a", "1"),))],
)
def test_what_only_a_camera_can_do_is_not_asked_of_a_file(settings):
    with pytest.raises(UsageError, match="asks a camera; demo is none"):
        open_source("demo", settings)


@pytest.mark.parametrize("layout", ["YUV420", "YVU420", "NV12", "NV21"])
@pytest.mark.parametrize("padding", [0, 64])
def test_colour_comes_out_of_every_layout_with_padded_rows(layout, padding):
    """A picture of four coloured quarters; chroma has half the size, so that the borders are left out."""
    width, height = 64, 48
    picture = np.zeros((height, width, 3), np.uint8)
    colours = {(0, 0): (200, 40, 40), (0, 1): (40, 200, 40), (1, 0): (40, 40, 200), (1, 1): (250, 250, 250)}
    for (row, column), bgr in colours.items():
        picture[row * 24 : row * 24 + 24, column * 32 : column * 32 + 32] = bgr
    luma, red, blue = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb))
    stride = width + padding
    small = [cv2.resize(plane, (width // 2, height // 2)) for plane in (blue, red)]
    if layout in ("YVU420", "NV21"):
        small.reverse()
    rows = np.zeros((height, stride), np.uint8)
    rows[:, :width] = luma
    if layout.startswith("NV"):
        chroma = np.zeros((height // 2, stride), np.uint8)
        chroma[:, :width] = np.dstack(small).reshape(height // 2, width)
    else:
        chroma = np.zeros((2, height // 2, stride // 2), np.uint8)
        chroma[:, :, : width // 2] = small
    buffer = np.concatenate([rows.ravel(), chroma.ravel()])
    assert (gray_plane(buffer, (width, height), stride) == luma).all()
    found = bgr_picture(buffer, (width, height), stride, layout)
    inner = np.abs(found.astype(int) - picture).max(axis=2)
    for row, column in colours:
        assert inner[row * 24 + 4 : row * 24 + 20, column * 32 + 4 : column * 32 + 28].max() <= 3
