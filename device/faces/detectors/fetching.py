"""Fetching YuNet's file where the package came without it."""

import hashlib
import http.client
import threading
import urllib.request
from pathlib import Path

from device.errors import EdgeError
from device.faces.detectors.yunet_file import (
    LARGEST_BYTES,
    YUNET_NAME,
    YUNET_SHA256,
    stored_yunet,
    yunet_places,
)
from device.files import locked, sha256_of, write_whole

YUNET_URL = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/"
    + YUNET_NAME
)
TIMEOUT_S, LONGEST_S = 30.0, 60.0  # of a silence, and in all


def fetch_yunet(url: str = YUNET_URL, overwrite: bool = False) -> Path:
    """Download YuNet, check its SHA-256, store it and return where; a good file that is there already is kept."""
    for there in yunet_places():
        if there.is_file() and not overwrite and sha256_of(there) == YUNET_SHA256:
            return there
    with locked(stored_yunet().parent, LONGEST_S):
        data = _download(url)
        found = hashlib.sha256(data).hexdigest()
        if found != YUNET_SHA256:
            raise EdgeError(
                f"{url} is not the expected YuNet: SHA-256 {found[:12]}…, expected {YUNET_SHA256[:12]}…; "
                "nothing stored"
            )
        write_whole(stored_yunet(), data)
    return stored_yunet()


def _download(url: str) -> bytes:
    """Return what ``url`` answers, ``LARGEST_BYTES`` at most, within ``LONGEST_S`` however it drips."""
    answers: list[bytes] = []
    reasons: list[object] = [f"not whole within {LONGEST_S:g} s"]

    def read() -> None:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                answers.append(answer.read(LARGEST_BYTES))
        except (OSError, ValueError, http.client.HTTPException) as error:
            reasons.insert(0, getattr(error, "reason", None) or error)

    # In a thread, because a timeout of a socket begins anew with every byte.
    reader = threading.Thread(target=read, name="download", daemon=True)
    reader.start()
    reader.join(LONGEST_S)
    if not answers:
        raise EdgeError(
            f"cannot fetch {url}: {reasons[0]}; check the network, or copy {YUNET_NAME} to {stored_yunet()} yourself"
        )
    return answers[0]
