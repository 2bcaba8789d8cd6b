"""Several names as one source: pictures alone."""

import cv2
import numpy as np
import pytest

from device.capture.sources import open_source
from device.errors import EdgeError


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("gone.png", "no such file: gone.png; "),
        ("gone/notes.txt", "no such file: gone/notes.txt; "),
        ("demo", "demo is no picture file; "),
        ("http://camera/a.jpg", "http://camera/a.jpg is no picture file; "),
    ],
)
def test_one_of_several_pictures_that_is_missing_is_called_so(tmp_path, other, words):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(EdgeError) as raised:
        open_source((str(tmp_path / "a.png"), other))
    assert str(raised.value).startswith(words)
