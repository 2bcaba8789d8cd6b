"""What a person is shown: names that hide nobody, faces blurred, told or not."""

import dataclasses

import numpy as np
import pytest

from device.frames import BoundingBox, Frame
from device.sinks.drawing import BLACK, GREEN, annotated


def test_a_blurred_face_is_gone_and_the_rest_stays(a_result):
    result = a_result(1)
    plain, blurred = annotated(result), annotated(result, blur_faces=True)
    inside = (slice(45, 70), slice(26, 54))
    # 8 x 8 blocks over 1.5 boxes: neighbours within a block are equal, noise is gone.
    assert (
        np.abs(np.diff(blurred[inside].astype(int), axis=1)).mean()
        < 0.2 * np.abs(np.diff(plain[inside].astype(int), axis=1)).mean()
    )
    assert (blurred[100:, 100:] == plain[100:, 100:]).all()
    assert (result.frame.image == a_result(1).frame.image).all()  # the frame itself is untouched


def test_a_name_hides_no_face_and_no_other_name(a_result):
    result = a_result(1, 2)  # faces side by side, names wider than they are
    marked = annotated(result)
    for face in result.faces:
        left, top, right, bottom = face.box.xyxy()
        inside = np.s_[top + 2 : bottom - 1, left + 2 : right - 1]
        assert (marked[inside] == result.frame.image[inside]).all()
    above, below = marked[:28], marked[83:]
    assert all((part == BLACK).all(axis=2).sum() > 300 for part in (above, below))


@pytest.mark.parametrize(("size_wh", "line_px"), [((640, 480), 2), ((1920, 1440), 6)])
def test_lines_and_letters_grow_with_the_picture(a_result, size_wh, line_px):
    width, height = size_wh
    face = dataclasses.replace(
        a_result(1).faces[0], box=BoundingBox(0.5 * width, 0.5 * height, 0.7 * width, 0.8 * height)
    )
    frame = Frame(np.full((height, width, 3), 200, np.uint8), 0, 0)
    marked = annotated(dataclasses.replace(a_result(1), frame=frame, faces=(face,)))
    green = (marked == GREEN).all(axis=2)
    assert green[int(0.7 * height), : int(0.6 * width)].sum() == line_px + 1  # OpenCV draws it odd
    name = (marked == BLACK).all(axis=2)[: int(0.5 * height)]
    assert 0.03 < np.ptp(np.flatnonzero(name.any(axis=1))) / height < 0.06


def test_what_may_be_a_face_is_blurred_and_not_boxed(a_result):
    result = dataclasses.replace(a_result(1, 0), untold=(BoundingBox(20, 30, 60, 80),))
    face = np.s_[45:70, 26:54]
    assert (annotated(result) == result.frame.image).all()
    assert annotated(result, blur_faces=True)[face].std() < 0.5 * result.frame.image[face].std()
