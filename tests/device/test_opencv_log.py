import cv2

from device.opencv_log import SILENT, set_opencv_log_level


def test_the_level_is_set_where_this_opencv_has_it(monkeypatch):
    before = set_opencv_log_level(SILENT)
    assert set_opencv_log_level(before) == SILENT
    assert set_opencv_log_level(before) == before
    if hasattr(cv2.utils, "logging"):  # as 4.11 and 4.12 have it
        monkeypatch.setattr(cv2, "setLogLevel", cv2.utils.logging.setLogLevel, raising=False)
        monkeypatch.delattr(cv2.utils, "logging")
        assert set_opencv_log_level(before) == before
