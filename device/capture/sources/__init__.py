"""Where frames come from, one file a kind; ``open_source`` picks one by what the user typed."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from device.capture.settings import CameraSettings
from device.errors import EdgeError, UsageError
from device.frames import FrameSource
from device.plugins import SOURCES, load_plugin, plugin_names
from device.text import without_password

__all__ = ["SPECS", "find_camera", "open_source"]

SPECS = (
    "picamera[:N], usb:N, /dev/videoN, a video FILE, an image FILE, DIR or 'GLOB', http://…, rtsp://…, demo"
)


def open_source(spec: str | Sequence[str] | None, settings: CameraSettings | None = None) -> FrameSource:
    """Return the source that ``spec`` names, not yet opened: enter it as a context.

    ``settings``: what a camera is asked for, and how the pictures of any source are turned; UsageError where they ask
    a file or a stream for what only a camera can do.

    ``None`` means the camera of this device: picamera2's, else the first USB camera, else EdgeError saying what
    was looked for. Several names are those of picture files. ``demo``, ``demo:N`` (N frames), ``demo:live`` (30
    frames a second without end). ``NAME`` or ``NAME:ARGUMENT`` of an installed package's entry point in
    ``fer_edge.sources`` is called with the argument.

    >>> with open_source("demo:2") as source:
    ...     sizes = [frame.size_wh for frame in source]
    """
    settings = settings or CameraSettings()
    source = _source_of(spec, settings)
    if settings.rotate or settings.flip:
        from device.capture.sources.turned import TurnedSource

        return TurnedSource(source, settings.rotate, settings.flip)
    return source


def _source_of(spec: str | Sequence[str] | None, settings: CameraSettings) -> FrameSource:
    if spec is None:
        return find_camera(settings)
    if not isinstance(spec, str):
        return _pictures(spec)
    if camera := re.fullmatch(r"picamera(?::([0-9]{1,4}))?", spec):
        from device.capture.sources.picamera import PiCamera

        return PiCamera(int(camera[1] or 0), settings)
    if camera := re.fullmatch(r"(?:usb:|/dev/video)([0-9]{1,4})", spec):
        from device.capture.sources.usb import UsbCamera

        return UsbCamera(int(camera[1]), settings)
    if asked := settings.asked_of_a_camera():
        raise UsageError(
            f"{', '.join(asked)} asks a camera; {spec} is none; leave it out, or name picamera or usb:N"
        )
    if spec == "demo" or spec.startswith("demo:"):
        from device.capture.sources.demo import demo_source

        return demo_source(spec)
    if address := re.fullmatch(r"(https?|rtsps?)(://.*)", spec, re.IGNORECASE | re.DOTALL):
        from device.capture.sources.stream import NetworkStream

        return NetworkStream(address[1].lower() + address[2])
    scheme, _, argument = spec.partition(":")
    if scheme in plugin_names(SOURCES):
        source: FrameSource = load_plugin(SOURCES, scheme)(argument)
        return source
    return _open_path(spec)


def find_camera(settings: CameraSettings | None = None) -> FrameSource:
    """Return the device's own camera: picamera2's first, then the first USB camera."""
    from device.capture.sources.picamera import PiCamera, picamera_problem
    from device.capture.sources.usb import UsbCamera, usb_cameras

    problem = picamera_problem()
    if problem is None:
        return PiCamera(settings=settings)
    numbers = usb_cameras()
    if numbers:
        return UsbCamera(numbers[0], settings)
    raise EdgeError(
        f"no camera found: picamera2 ({problem}), USB cameras (no capturing /dev/video*); "
        f"connect one or name a source with `source`: {SPECS}"
    )


def _pictures(names: Sequence[str]) -> FrameSource:
    """Return the source of the picture files ``names``, as a shell makes them of an unquoted glob."""
    from device.capture.sources.images import ImageFiles, is_picture

    other = next((name for name in names if not is_picture(Path(name))), None)
    if other is not None:
        if Path(other).suffix and "://" not in other and not Path(other).exists():
            raise EdgeError(f"no such file: {other}; expected several pictures; check the names")
        raise UsageError(f"{other} is no picture file; expected one source, or several pictures")
    return ImageFiles(f"{names[0]} and {len(names) - 1} more", list(map(Path, names)))


def _open_path(spec: str) -> FrameSource:
    from device.capture.sources.images import ImageFiles, is_picture
    from device.capture.sources.video import VideoFile

    path = Path(spec)
    if spec and path.is_dir():  # Path("") is the folder in which we are
        return ImageFiles(spec, sorted(entry for entry in path.iterdir() if not entry.name.startswith(".")))
    if path.is_file():
        return ImageFiles(spec, [path]) if is_picture(path) else VideoFile(path)
    if path.exists() and spec:
        raise EdgeError(f"cannot read {spec}: it is no regular file; a source is one of: {SPECS}")
    if glob.has_magic(spec):
        return ImageFiles(spec, list(map(Path, sorted(glob.glob(spec, recursive=True)))))
    if "://" in spec:
        raise UsageError(f"unknown `source` {without_password(spec)!r}; expected one of: {SPECS}")
    if "/" not in spec and "." not in spec:
        number = "0" if spec in ("usb", "camera", "webcam") else spec
        meant = f"did you mean usb:{number}? " if number.isdigit() else ""
        raise UsageError(f"unknown `source` {spec!r}; {meant}expected one of: {SPECS}")
    raise EdgeError(f"no such file or folder: {spec}; a source is one of: {SPECS}")
