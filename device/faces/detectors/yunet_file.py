"""Where YuNet's file is: in the package, or fetched."""

from pathlib import Path

from device.errors import EdgeError
from device.storage import packaged, state_folder

YUNET_NAME = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
PACKAGED_YUNET = packaged(YUNET_NAME)  # put there by models/get_yunet.py
LARGEST_BYTES = 20 << 20


class NotFetchedError(EdgeError):
    """A file that ``device fetch`` gets is not there yet."""


def stored_yunet() -> Path:
    """Return where ``device fetch yunet`` stores the detector; the file may not be there yet."""
    return state_folder() / "detectors" / YUNET_NAME


def yunet_places() -> tuple[Path, Path]:
    """Return where YuNet's file may be: the package's own, and the fetched one."""
    return PACKAGED_YUNET, stored_yunet()


def yunet_file() -> Path:
    """Return YuNet's file: the package's own, else the fetched one, which may not be there yet."""
    own, fetched = yunet_places()
    return own if own.is_file() else fetched
