"""OpenCV's own log, which writes to standard error."""

import cv2

SILENT = 0


def set_opencv_log_level(level: int) -> int:
    """Set the level, SILENT for nothing at all, and return the one before.

    OpenCV 4.11 and 4.12 have the function in ``cv2`` itself.
    """
    before: int = getattr(cv2.utils, "logging", cv2).setLogLevel(level)
    return before
