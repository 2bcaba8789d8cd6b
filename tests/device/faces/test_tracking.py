"""The tracker on detections whose truth is known: motion with noise, misses, false alarms, crossings."""

import numpy as np

from device.faces.detectors.base import Detection, without_duplicates
from device.faces.tracking import COAST_S, DOUBTED_HITS, FORGET_S, MAX_FACES, REMEMBER_S, FaceTracker
from device.frames import BoundingBox

STEP_S = 1 / 30


def square(x: float, y: float = 200.0, side: float = 80.0, score: float = 0.5) -> Detection:
    return Detection(BoundingBox(x - side / 2, y - side / 2, x + side / 2, y + side / 2), score)


def play(tracker, frames, create=True):
    """Feed lists of detections, a frame each, and return the faces of each frame."""
    seen = []
    for number, detections in enumerate(frames):
        tracker.predict(number * STEP_S)
        seen.append(tracker.update(detections, create))
    return seen


def test_a_certain_detection_is_a_face_at_once_and_keeps_its_id():
    seen = play(FaceTracker(0.8), [[square(100 + 4 * n, score=0.9)] for n in range(60)])
    assert [[face.id for face in faces] for faces in seen] == [[1]] * 60


def test_an_uncertain_one_must_last():
    seen = play(FaceTracker(0.8), [[square(100)]] * 10)
    assert [len(faces) for faces in seen] == [0] * (DOUBTED_HITS - 1) + [1] * (11 - DOUBTED_HITS)


def test_an_uncertain_one_may_prove_larger_at_the_second_look():
    cut_by_the_edge = Detection(BoundingBox(-1, 94, 38, 168), 0.65)
    whole = Detection(BoundingBox(-25, 92, 36, 164), 0.7)
    tracker = FaceTracker(0.8)
    play(tracker, [[cut_by_the_edge]])
    for number in range(1, DOUBTED_HITS):
        tracker.predict(number * STEP_S)
        faces = tracker.update([whole], create=False)  # a search of its region, which begins no face
    assert len(faces) == 1


def test_what_flickers_never_becomes_a_face():
    rng = np.random.default_rng(0)
    frames = [[square(*rng.uniform(60, 400, 2), side=rng.uniform(40, 120))] for _ in range(200)]
    seen = play(FaceTracker(0.8), frames)
    assert sum(map(len, seen)) <= 2
    every_eighth = [[square(300)] if n % 8 == 0 else [] for n in range(100)]
    assert sum(map(len, play(FaceTracker(0.8), every_eighth))) == 0


def test_a_face_that_is_missed_coasts_along_its_way_then_vanishes_and_comes_back_with_its_id():
    there = [[square(100 + 5 * n, score=0.9)] for n in range(30)]
    missed = [[] for _ in range(20)]
    back = [[square(100 + 5 * n, score=0.9)] for n in range(50, 55)]
    seen = play(FaceTracker(0.8), there + missed + back)
    coasted = [faces[0] for faces in seen[30:50] if faces]
    assert len(coasted) == round(COAST_S / STEP_S)
    assert not any(face.detected for face in coasted)
    assert abs(coasted[2].box.center_xy[0] - (100 + 5 * 32)) < 4
    assert [face.id for face in seen[-1]] == [1]


def test_after_long_absence_it_is_somebody_else():
    frames = [[square(100, score=0.9)]] * 5 + [[]] * int(FORGET_S / STEP_S + 5) + [[square(100, score=0.9)]]
    assert [face.id for face in play(FaceTracker(0.8), frames)[-1]] == [2]


def test_crossing_faces_keep_their_ids():
    """Two faces pass each other at one height; while they overlap the detector finds only the front one."""
    rng = np.random.default_rng(5)
    for speed in (3, 6, 10):
        frames = []
        for n in range(int(400 / speed)):
            left, right = 100 + speed * n, 500 - speed * n
            noisy = [
                square(x + rng.normal(0, 1.5), 200 + rng.normal(0, 1.5), score=0.9) for x in (left, right)
            ]
            frames.append(noisy if abs(left - right) > 50 else noisy[:1])
        seen = play(FaceTracker(0.8), frames)
        start = {face.id: face.box.center_xy[0] for face in seen[3]}
        end = {face.id: face.box.center_xy[0] for face in seen[-1]}
        assert start.keys() == end.keys() == {1, 2}
        assert all((start[one] < 300) == (end[one] > 300) for one in (1, 2)), speed


def test_what_faces_look_like_decides_where_motion_cannot():
    """Two faces meet, stop, overlap and go back: motion alone would predict that they pass."""
    looks = {0: np.eye(8)[0], 1: np.eye(8)[1]}
    frames, owners = [], []
    for n in range(60):
        gap = 200 - 8 * n if n < 22 else 24 + 8 * max(0, n - 36)
        places = [300 - gap / 2, 300 + gap / 2]
        visible = [0, 1] if gap > 50 else [n % 2]
        frames.append([square(places[one], score=0.9) for one in visible])
        owners.append({places[one]: one for one in visible})
    tracker, seen = FaceTracker(0.8), []
    for number, detections in enumerate(frames):
        tracker.predict(number * STEP_S)
        own = owners[number]
        seen.append(tracker.update(detections, True, lambda box, own=own: looks[own[box.center_xy[0]]]))
    first = {face.id: face.box.center_xy[0] < 300 for face in seen[0]}
    last = {face.id: face.box.center_xy[0] < 300 for face in seen[-1]}
    assert first == last


def test_many_faces_keep_their_ids():
    rng = np.random.default_rng(1)
    places = [(80 + 130 * (n % 5), 60 + 110 * (n // 5)) for n in range(20)]
    frames = [
        [square(x + rng.normal(0, 3), y + rng.normal(0, 3), 60, 0.9) for x, y in rng.permutation(places)]
        for _ in range(40)
    ]
    seen = play(FaceTracker(0.8), frames)
    homes = [
        {face.id: tuple(np.round(np.subtract(face.box.center_xy, 40) / 60)) for face in faces}
        for faces in seen
    ]
    assert {len(home) for home in homes} == {20}
    assert max(face.id for faces in seen for face in faces) == 20


def test_of_more_faces_than_are_told_the_same_ones_stay_and_it_is_said_once(said):
    rng = np.random.default_rng(0)
    tracker = FaceTracker(0.8)
    frames = [
        [square(100.0 * n, side=80 + rng.normal(0, 2), score=0.9) for n in range(2 * MAX_FACES)]
        for _ in range(60)
    ]
    seen = [{face.id for face in faces} for faces in play(tracker, frames)]
    assert all(len(ids) == MAX_FACES for ids in seen)
    assert len(set.union(*seen)) == MAX_FACES
    (line,) = said
    assert f"more than {MAX_FACES} faces" in line
    larger = [*frames[0], square(-200, side=160, score=0.9)]
    tracker.predict(60 * STEP_S)
    assert tracker.update(larger, True)[0].box.width == 160


def test_duplicates_are_the_same_face():
    kept = without_duplicates([square(100, score=0.5), square(104, score=0.9), square(190, score=0.6)])
    assert [one.score for one in kept] == [0.9, 0.6]


def test_what_only_looks_like_the_face_is_reported_for_a_time():
    tracker, still = FaceTracker(0.8), square(100, score=0.9)
    frames = [[still]] * 3 + [[]] * 60
    reported = []
    for number, detections in enumerate(frames):
        tracker.predict(number * STEP_S)
        faces = tracker.update(detections, True, match=lambda track: still.box)
        reported.append([(face.id, face.detected) for face in faces])
    last = 2 + round(REMEMBER_S / STEP_S)  # the frame REMEMBER_S after the last detection
    assert reported[:3] == [[(1, True)]] * 3
    assert reported[3:last] == [[(1, False)]] * (last - 3)
    assert reported[last + 1 :] == [[]] * (len(frames) - last - 1)


def test_each_missed_face_is_looked_for_whoever_is_seen():
    tracker, missed = FaceTracker(0.8), square(400, score=0.9)
    for number in range(20):
        tracker.predict(number * STEP_S)
        found = [square(100, score=0.9)] + ([missed] if number < 3 else [])
        faces = tracker.update(found, True, match=lambda track: missed.box)
    assert [(face.id, face.detected) for face in sorted(faces, key=lambda face: face.id)] == [
        (1, True),
        (2, False),
    ]


def test_a_second_box_on_a_known_face_keeps_no_other_from_beginning():
    tracker = FaceTracker(0.8)
    tracker.predict(0.0)
    tracker.update([square(100, score=0.9)], True)
    tracker.predict(STEP_S)
    faces = tracker.update(
        [square(100, score=0.99), square(110, side=84, score=0.95), square(400, score=0.9)], True
    )
    assert {face.id: face.box.center_xy[0] for face in faces} == {1: 100, 2: 400}


def test_one_that_comes_back_keeps_no_other_from_beginning():
    looks = {100: np.eye(8)[0], 400: np.eye(8)[1], 620: np.eye(8)[1], 250: np.eye(8)[2]}
    first, gone, back, new = (
        square(x, score=score) for x, score in ((100, 0.9), (400, 0.9), (620, 0.95), (250, 0.9))
    )
    tracker = FaceTracker(0.8)
    for number, found in enumerate([[first, gone]] * 3 + [[first]] * 15 + [[first, back, new]]):
        tracker.predict(number * STEP_S)
        faces = tracker.update(found, True, lambda box: looks[round(box.center_xy[0])])
    assert {face.id: face.box.center_xy[0] for face in faces} == {1: 100, 2: 620, 3: 250}
