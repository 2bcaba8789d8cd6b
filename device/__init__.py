"""fer-edge on the device: faces and their expressions from a camera, privately and at frame rate.

>>> from device import run
>>> for result in run("demo:9"):
...     labels = [face.label for face in result.faces]

What is named here is the API; it is imported when it is first used, so that importing the package costs nothing.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.capture.sources import open_source
    from device.errors import EdgeError
    from device.faces.detectors import create_detector
    from device.frames import BoundingBox, Frame, FrameSource
    from device.model.expression_model import load_model
    from device.results import Face, FrameResult
    from device.runtime.iteration import run

# OpenCV looks at a picture's size before it makes room for it; it reads this limit when it is first imported.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "64000000")

__all__ = [
    "BoundingBox",
    "EdgeError",
    "Face",
    "Frame",
    "FrameResult",
    "FrameSource",
    "create_detector",
    "load_model",
    "open_source",
    "run",
]
_HOMES = {
    "BoundingBox": "device.frames",
    "EdgeError": "device.errors",
    "Face": "device.results",
    "Frame": "device.frames",
    "FrameResult": "device.results",
    "FrameSource": "device.frames",
    "create_detector": "device.faces.detectors",
    "load_model": "device.model.expression_model",
    "open_source": "device.capture.sources",
    "run": "device.runtime.iteration",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'device' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
