"""Files that are not ours to ship: downloaded once from their makers and checked by digest."""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from device.errors import EdgeError
from device.files import write_whole
from device.storage import state_folder

YUNET_NAME = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_URL = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/"
    + YUNET_NAME
)
LARGEST_BYTES = 20 << 20
TIMEOUT_S = 30


class NotFetchedError(EdgeError):
    """A file that ``device fetch`` gets is not there yet."""


def stored_yunet() -> Path:
    """Return where ``device fetch yunet`` stores the detector; the file may not be there yet."""
    return state_folder() / "detectors" / YUNET_NAME


def fetch_yunet(url: str = YUNET_URL, overwrite: bool = False) -> Path:
    """Download YuNet, check its SHA-256 and store it; a good file that is there already is kept."""
    target = stored_yunet()
    if target.is_file() and not overwrite and _sha256(target.read_bytes()) == YUNET_SHA256:
        return target
    data = _download(url)
    found = _sha256(data)
    if found != YUNET_SHA256:
        raise EdgeError(
            f"{url} is not the expected YuNet: SHA-256 {found[:12]}…, expected {YUNET_SHA256[:12]}…; nothing stored"
        )
    write_whole(target, data)
    return target


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return answer.read(LARGEST_BYTES)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise EdgeError(
            f"cannot fetch {url}: {reason}; check the network, or copy {YUNET_NAME} to {stored_yunet()} yourself"
        ) from None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
