"""Face detectors behind one interface, one file each; each is imported when it is made."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from device import plugins
from device.errors import EdgeError, UsageError

if TYPE_CHECKING:
    from device.faces.detectors.base import Detector

DEFAULT_MIN_FACE_PX = 30
LARGEST_FACE_PX = 10_000  # more than any picture that is read
OF_SUFFIX = {".onnx": "yunet", ".xml": "haar"}  # what reads a detector's own file
log = logging.getLogger(__name__)


def _haar(min_face_px: int, model_file: str | Path | None, reduce: bool) -> "Detector":
    from device.faces.detectors.haar import HaarDetector

    return HaarDetector(min_face_px, model_file, reduce)


def _yunet(min_face_px: int, model_file: str | Path | None, reduce: bool) -> "Detector":
    from device.faces.detectors.yunet import YuNetDetector
    from device.faces.detectors.yunet_file import yunet_file

    return YuNetDetector(min_face_px, model_file or yunet_file(), reduce)


# How each is made of the last three arguments of ``create_detector``; the command line and the doctor read the names.
DETECTORS: dict[str, Callable[[int, str | Path | None, bool], "Detector"]] = {"haar": _haar, "yunet": _yunet}


def detector_names() -> tuple[str, ...]:
    """Return the names that ``create_detector`` knows: those built in, then those of installed packages."""
    return (*DETECTORS, *plugins.plugin_names(plugins.DETECTORS))


def default_detector() -> str:
    """Return ``yunet``, or, with a warning, ``haar`` where YuNet's file is missing."""
    from device.faces.detectors.yunet_file import yunet_file

    if yunet_file().is_file():
        return "yunet"
    log.warning(
        "the file of the detector YuNet is missing, so the Haar cascade is used, which finds fewer faces; "
        "get it with 'device fetch yunet', or pass `detector=haar` to be content"
    )
    return "haar"


def create_detector(
    name: str | None = None,
    min_face_px: int = DEFAULT_MIN_FACE_PX,
    model_file: str | Path | None = None,
    reduce: bool = True,
) -> "Detector":
    """Return the detector ``name`` for faces of ``min_face_px`` pixels and more; None: what reads ``model_file`` by
    its suffix, .onnx or .xml, else ``default_detector()``.

    ``model_file`` None means OpenCV's own cascade, or the packaged or fetched YuNet file. With
    ``reduce`` whole frames are shrunk until a face of ``min_face_px`` is as small as the detector can find;
    without, they are searched at full size. A detector of an installed package's entry point in ``fer_edge.detectors``
    is called with the last three arguments. Raises NotFetchedError for a file that is still to be fetched.
    """
    if min_face_px > LARGEST_FACE_PX:
        raise UsageError(f"`min_face` is {min_face_px} pixels; expected {LARGEST_FACE_PX} at most")
    if min_face_px < 16:
        raise UsageError(
            f"`min_face` is {min_face_px} pixels; faces under 16 pixels cannot be told from noise"
        )
    name = name or OF_SUFFIX.get(Path(model_file or "").suffix.lower()) or default_detector()
    if name in DETECTORS and model_file and not Path(model_file).is_file():
        raise EdgeError(
            f"no file {model_file}; expected YuNet's .onnx or a cascade's .xml; check `detector_model`"
        )
    if name not in detector_names():
        raise UsageError(f"unknown detector {name!r}; expected one of {', '.join(detector_names())}")
    make = DETECTORS.get(name) or plugins.load_plugin(plugins.DETECTORS, name)
    detector: Detector = make(min_face_px, model_file, reduce)
    return detector
