"""A detector's network that is not the known one is tried first in a process of its own: damaged ones crash OpenCV."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from device.child_processes import child_environment, fate_of, last_line, limit_memory, python_module
from device.errors import EdgeError
from device.opencv_log import SILENT, set_opencv_log_level
from device.text import one_line

MOST_BYTES = 400 << 20  # of address space, beside what Python, numpy and OpenCV take; YuNet's takes 20 MB
CLOCK_S = 30.0  # Python's start on a busy board too
SIDE_PX = 320


def refuse_crashing(path: Path, file: bytes) -> None:
    """Raise EdgeError unless the network in ``file``, the content of ``path``, searches a black picture.

    That is no proof for other pictures; what the loader makes of a damaged file shows.
    """
    command = python_module("device.faces.detectors.network_trial")
    try:
        done = subprocess.run(
            command, input=file, capture_output=True, timeout=CLOCK_S, env=child_environment()
        )
    except subprocess.TimeoutExpired:
        raise _no_trial(path, f"no answer within {CLOCK_S:g} s") from None
    if done.returncode == 0:
        return
    why = last_line(done.stdout.decode(errors="replace"))
    if not why and done.returncode > 0:
        raise _no_trial(path, last_line(done.stderr.decode(errors="replace")) or fate_of(done.returncode))
    raise EdgeError(
        f"{path} is not a YuNet model that OpenCV can read; fetch it with 'device fetch yunet' "
        f"({why or fate_of(done.returncode)})"
    )


def _no_trial(path: Path, why: str) -> EdgeError:
    return EdgeError(
        f"the trial of {path} itself failed: {why}; the file that 'device fetch yunet' gets needs none"
    )


def main() -> None:
    """Search a black picture with the network on standard input; where that fails, print why and exit 1."""
    network = np.frombuffer(sys.stdin.buffer.read(), np.uint8)
    set_opencv_log_level(SILENT)
    cv2.setNumThreads(1)  # by default one a processor, whose stacks count
    limit_memory(MOST_BYTES)
    picture = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    try:
        cv2.FaceDetectorYN.create("onnx", network, np.empty(0, np.uint8), (SIDE_PX, SIDE_PX)).detect(picture)
    except (cv2.error, MemoryError) as error:
        print(one_line(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
