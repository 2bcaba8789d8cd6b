"""What the loop finds with template match and regions, against full-frame detection of every frame."""

import pytest
from whole_run import play

from device.capture.sources import open_source
from device.capture.sources.demo import DemoSource, MovingFace
from device.faces.detectors import create_detector


def test_the_printed_skull_is_no_face_and_the_person_is_one(make_loop, yunet_file, shared_dir):
    """help.mkv: Haar finds boxes on a shirt; the truth is full-frame YuNet's single face in every frame."""
    detector = create_detector("yunet", model_file=yunet_file, reduce=False)
    for clip in ("help", "please"):
        results, statistics = play(make_loop(), open_source(str(shared_dir / f"data/video/{clip}.mkv")))
        false = found = 0
        for result in results:
            (truth,) = [one.box for one in detector.detect(result.frame.image) if one.score > 0.6]
            near = [
                abs(face.box.center_xy[0] - truth.center_xy[0]) < truth.width / 2 for face in result.faces
            ]
            near_y = [
                abs(face.box.center_xy[1] - truth.center_xy[1]) < truth.height / 2 for face in result.faces
            ]
            good = [x and y for x, y in zip(near, near_y, strict=True)]
            found += any(good)
            false += good.count(False)
        assert found >= 0.95 * len(results)
        assert false == 0
        assert statistics.ids == 1


def shortcuts_against_full_frames(make_loop, yunet_file, source) -> int:
    """Hold the loop to 98 % of full-frame YuNet's faces at IoU 0.5, and 1 % others; return how many ids it gave."""
    whole = create_detector("yunet", model_file=yunet_file, reduce=False)
    results, statistics = play(make_loop("yunet", model_file=yunet_file), source)
    total = hits = false = 0
    for result in results:
        truth = [one.box for one in whole.detect(result.frame.image) if one.score > 0.6]
        total += len(truth)
        hits += sum(any(face.box.iou(box) >= 0.5 for face in result.faces) for box in truth)
        false += sum(all(face.box.iou(box) < 0.3 for box in truth) for face in result.faces)
    assert total >= len(results)
    assert hits >= 0.98 * total
    assert false <= 0.01 * total
    return statistics.ids


def test_yunet_with_shortcuts_finds_the_drawn_faces_that_it_finds_without(make_loop, yunet_file):
    moving = (MovingFace(90, (150, 240), (60, 120), 4.0), MovingFace(150, (450, 240), (90, 50), 6.0, 0.3))
    source = DemoSource(90, faces=moving, hold_s=1.0)
    assert shortcuts_against_full_frames(make_loop, yunet_file, source) == 2


@pytest.mark.parametrize("clip", ["learn.mkv", "student.mkv", "head-pose-face-detection-female.gif"])
def test_yunet_with_shortcuts_finds_the_people_that_it_finds_without(make_loop, yunet_file, shared_dir, clip):
    source = open_source(str(shared_dir / "data/video" / clip))
    assert shortcuts_against_full_frames(make_loop, yunet_file, source) == 1
