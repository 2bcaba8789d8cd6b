"""How often the whole frame is searched: by time, and on a slow board by frames. Real pictures, the real detectors."""

import numpy as np
import pytest

from device.capture.sources.demo import DemoSource, MovingFace
from device.errors import UsageError
from device.faces.detectors import create_detector
from device.faces.face_finder import QUIET_FRAMES, FaceFinder
from device.faces.tracking import MAX_FACES
from device.frames import Frame

STILL = (MovingFace(140, (320, 240), (0, 0), 1.0),)


def whole_searches(faces, seconds_apart: float, count: int) -> list[int]:
    """The numbers of those frames, ``seconds_apart``, of which all was searched."""
    finder, searched = FaceFinder(create_detector("haar")), []
    with DemoSource(1, faces=faces) as demo:
        image = demo.picture(0)
    for number in range(count):
        before = finder.full_frame_detections
        finder.find(Frame(image, number, round(number * seconds_apart * 1e9)))
        if finder.full_frame_detections > before:
            searched.append(number)
    return searched


def test_a_new_face_is_noticed_within_half_a_second():
    searched = whole_searches(STILL, 0.05, 45)
    assert np.diff(searched[3:]).tolist() == [10] * (len(searched) - 4)  # the first confirm the face
    assert searched[-1] >= 34


def test_a_slow_board_searches_all_of_every_fifth_frame_at_most():
    searched = whole_searches(STILL, 0.18, 30)  # half a second is three frames here
    assert np.diff(searched[3:]).tolist() == [QUIET_FRAMES] * (len(searched) - 4)
    assert searched[-1] >= 24


def test_while_nobody_is_there_all_is_searched_ten_times_a_second():
    assert whole_searches((), 0.025, 20) == [0, 4, 8, 12, 16]
    assert whole_searches((), 0.2, 5) == [0, 1, 2, 3, 4]


def test_a_face_larger_than_the_picture_is_asked_for_in_vain():
    finder = FaceFinder(create_detector("haar", 300), min_face_px=300)
    finder.find(Frame(np.zeros((300, 400), np.uint8), 0, 0))
    with pytest.raises(UsageError, match="300 pixels, the picture only 400x299"):
        finder.find(Frame(np.zeros((299, 400), np.uint8), 1, 1))


def test_a_face_that_comes_out_elsewhere_is_known_by_its_look():
    both = (MovingFace(140, (160, 150), (0, 0), 1.0), MovingFace(140, (480, 150), (0, 0), 1.0))
    moved = (both[0], MovingFace(140, (330, 380), (0, 0), 1.0))
    pictures = []
    for faces, count in ((both, 30), (both[:1], 20), (moved, 15)):
        with DemoSource(1, faces=faces) as demo:
            pictures += [demo.picture(0)] * count
    finder, ids = FaceFinder(create_detector("haar")), []
    for number, image in enumerate(pictures):
        found = finder.find(Frame(image, number, round(number * 1e9 / 30)))
        ids.append({face.id: face.box.center_xy for face in found if face.detected})
    assert set(ids[29]) == {1, 2}
    assert set(ids[49]) < {1, 2}
    returned = ids[-1]
    assert set(returned) == {1, 2}, "a new id for a known face"
    (gone,) = {1, 2} - set(ids[49])
    assert returned[gone] == pytest.approx((330, 380), abs=25)


def test_what_may_be_a_face_is_known_before_it_is_told():
    finder = FaceFinder(create_detector("haar"))
    with DemoSource(1, faces=STILL) as demo:
        image = demo.picture(0)
    seen = []
    for number in range(3):
        told = finder.find(Frame(image, number, number * 10**8))
        seen.append((len(told), [box.center_xy for box in finder.untold]))
    assert seen[0][0] == 0
    assert seen[0][1] == [pytest.approx((320, 240), abs=25)]
    assert seen[-1] == (1, [])


def test_faces_beyond_those_told_are_known():
    finder = FaceFinder(create_detector("haar"))
    with DemoSource(1, faces=STILL) as demo:
        crowd = np.tile(demo.picture(0)[140:340, 220:420], (4, 6, 1))
    for number in range(4):
        told = finder.find(Frame(crowd, number, number * 10**8))
    assert len(told) == MAX_FACES
    assert len(finder.untold) == 24 - MAX_FACES


@pytest.mark.parametrize("part", [np.s_[:, 305:], np.s_[:, :335]], ids=["by the left", "by the right"])
def test_a_face_that_the_edge_cuts_is_followed(yunet_file, part):
    with DemoSource(1, faces=(MovingFace(160, (320, 240), (0, 0), 1.0),)) as demo:
        image = np.ascontiguousarray(demo.picture(0)[part])
    finder = FaceFinder(create_detector("yunet", model_file=yunet_file))
    told = [finder.find(Frame(image, number, round(number * 1e9 / 30))) for number in range(20)]
    assert [[face.detected for face in faces] for faces in told[1:]] == [[True]] * 19
