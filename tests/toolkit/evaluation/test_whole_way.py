"""Whole pictures through the device's own way: what is found, named right and false, by size, tilt and light."""

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import LABELS, demo_background, demo_faces
from device.errors import EdgeError, UsageError
from device.faces.alignment import FaceCropper
from device.faces.detectors import create_detector
from device.frames import BoundingBox
from device.model.expression_model import load_model
from device.runtime.prior import with_prior
from toolkit.evaluation.labelled_pictures import labelled_pictures
from toolkit.evaluation.whole_way import match_boxes, measure_whole_way, with_whole_way
from toolkit.results.codec import read_results
from toolkit.results.decode import decode
from toolkit.results.metrics import wilson_interval
from toolkit.results.types import Results
from toolkit.results.whole_way import WholeWay

pytestmark = pytest.mark.toolkit
HAAR = "haar"  # in every installation


def picture_of(*faces: tuple[str, int, int], light: float = 1.0, turn_deg: float = 0.0) -> np.ndarray:
    """Return a picture with demo faces of (class, side in pixels, left edge), 150 pixels from the top."""
    picture = demo_background()
    for name, side, left in faces:
        face = cv2.resize(demo_faces()[LABELS.index(name), 1], (side, side), interpolation=cv2.INTER_CUBIC)
        picture[150 : 150 + side, left : left + side] = face[:, :, None]
        if turn_deg:
            turn = cv2.getRotationMatrix2D((left + side / 2, 150 + side / 2), -turn_deg, 1)
            picture = cv2.warpAffine(picture, turn, (640, 480), borderMode=cv2.BORDER_REFLECT)
    return (picture * light).astype(np.uint8)


def write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def box_of(side: int, left: int) -> list[float]:
    """Return YuNet's box of a face pasted by ``picture_of``."""
    return [left + 0.09 * side, 150, 0.82 * side, 1.05 * side]


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def by_class(tmp_path_factory):
    """A folder a class with one large face of it and a small one of another class; a picture of nobody in 'sad'."""
    root = tmp_path_factory.mktemp("by_class")
    for name in LABELS:
        other = "sad" if name == "happy" else "happy"
        write(root / name / "a.png", picture_of((other, 70, 60), (name, 150, 300)))
    write(root / "sad" / "nobody.png", picture_of())
    return root


def groups_of(measured: WholeWay, condition: str) -> dict:
    return {group.group: group for group in measured.groups if group.condition == condition}


def test_in_folders_by_class_the_largest_face_is_named_as_the_device_names_it(by_class, model):
    measured = measure_whole_way(model, labelled_pictures(by_class), "here", HAAR)
    detector, right = create_detector(HAAR), 0
    for name in LABELS:
        image = cv2.imread(str(by_class / name / "a.png"))
        box = max((one.box for one in detector.detect_still(image)), key=lambda box: box.width)
        assert box.iou(BoundingBox(300, 150, 450, 300)) > 0.5
        crop = FaceCropper(detector.margin_ratio).crop(image, box)
        right += model.labels[with_prior(model).predict(crop[None]).argmax()] == name
    total = measured.all_faces
    assert right >= 5
    assert (total.found.hits, total.found.n) == (7, 8)
    assert total.found.interval == wilson_interval(7, 8)
    assert (total.right_among_found.hits, total.right_among_found.n) == (right, 7)
    assert (total.right_over_all.hits, total.right_over_all.n) == (right, 8)
    assert measured.false_n is None
    sizes = groups_of(measured, "size")
    assert (sizes["over 96 px"].n, sizes["over 96 px"].found, sizes["over 96 px"].right_over_all) == (
        7,
        None,
        None,
    )
    assert decode(WholeWay, json.loads(json.dumps(asdict(measured)))) == measured


def test_boxes_tell_missed_and_false_faces_and_the_conditions_of_both(tmp_path, model):
    write(tmp_path / "two.png", picture_of(("happy", 70, 60), ("surprise", 160, 300)))
    write(tmp_path / "dark.png", picture_of(("happy", 160, 300), light=0.4))
    write(tmp_path / "tilted.png", picture_of(("happy", 160, 240), turn_deg=28))
    boxes = {
        "two.png": [
            {"box": box_of(160, 300), "label": "surprise"},
            [20, 350, 60, 60],  # nobody: missed; and the face of 70 pixels, which has no box, is false
            [600, 20, 20, 20],  # too small to be asked for
        ],
        "dark.png": [{"box": box_of(160, 300), "label": "Happiness"}],
        "tilted.png": [box_of(160, 240)],
    }
    (tmp_path / "faces.json").write_text(json.dumps({"boxes_xywh": boxes}))
    measured = measure_whole_way(model, labelled_pictures(tmp_path), "here", HAAR)
    assert (measured.pictures_n, measured.false_n, measured.all_faces.n) == (3, 1, 4)
    sizes, tilts, lights = (groups_of(measured, name) for name in ("size", "tilt", "light"))
    assert [group.n for group in sizes.values()] == [0, 1, 3]
    assert sizes["under 48 px"].found is None
    assert sizes["48 to 96 px"].found.hits == 0
    assert tilts["over 20°"].n == 1
    assert lights["dark"].n == 1
    assert lights["dark"].found.hits == 1
    assert measured.all_faces.right_over_all.n == 2
    asked = measure_whole_way(model, labelled_pictures(tmp_path), "here", HAAR, ("surprise", "sad"))
    assert (asked.all_faces.right_over_all.hits, asked.all_faces.right_over_all.n) == (1, 1)


def test_a_detection_is_found_for_one_face_alone():
    one, near = BoundingBox(0, 0, 100, 100), BoundingBox(20, 0, 120, 100)
    assert match_boxes([near, one], [one]) == {1: 0}
    assert match_boxes([one, near], [near, one]) == {0: 1, 1: 0}
    assert match_boxes([one], [BoundingBox(80, 0, 180, 100)]) == {}


def test_every_tenth_frame_of_a_clip_up_to_thirty(tmp_path, model):
    for name, frames in (("short", 91), ("long", 330)):
        (tmp_path / name / "happy").mkdir(parents=True)
        size = (160, 120)
        film = cv2.VideoWriter(
            str(tmp_path / name / "happy" / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30, size
        )
        for _ in range(frames):
            film.write(np.full((120, 160, 3), 90, np.uint8))
        film.release()
    counted = [
        measure_whole_way(model, labelled_pictures(tmp_path / name), "here", HAAR)
        for name in ("short", "long")
    ]
    assert [one.pictures_n for one in counted] == [10, 30]
    assert counted[0].clips_n == 1


def test_unreadable_pictures_are_named_and_left_out(tmp_path, model, caplog):
    write(tmp_path / "happy" / "a.png", picture_of(("happy", 150, 300)))
    (tmp_path / "happy" / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "happy" / "c.mp4").write_bytes(b"")
    assert measure_whole_way(model, labelled_pictures(tmp_path), "here", HAAR).pictures_n == 1
    assert [name in caplog.text for name in ("b.jpg", "c.mp4")] == [True, True]
    (tmp_path / "happy" / "a.png").unlink()
    with pytest.raises(EdgeError, match="no picture of here"):
        measure_whole_way(model, labelled_pictures(tmp_path), "here", HAAR)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([2000, 2000, 100, 100], "lies outside of it"),  # of the picture before it was made smaller
        ([0, 0, 40_000, 40_000], "lies outside of it"),
        ([0, 0, 600, 100], "is as wide as no face"),
    ],
)
def test_a_picture_whose_box_does_not_fit_it_is_named_and_left_out(tmp_path, model, caplog, box, said):
    for name in ("good.png", "bad.png"):
        write(tmp_path / name, picture_of(("happy", 160, 300)))
    boxes = {"good.png": [box_of(160, 300)], "bad.png": [box_of(160, 300), box]}
    (tmp_path / "faces.json").write_text(json.dumps({"boxes_xywh": boxes}))
    measured = measure_whole_way(model, labelled_pictures(tmp_path), "here", HAAR)
    assert (measured.pictures_n, measured.all_faces.n) == (1, 1)
    (line,) = (record.getMessage() for record in caplog.records if "bad.png" in record.getMessage())
    assert f"bad.png has 640x480 pixels and a face's box [{', '.join(map(str, box))}], which {said};" in line


def test_what_cannot_be_measured_is_refused(tmp_path, by_class, tiny_tflite):
    with pytest.raises(UsageError, match="a board runs"):
        with_whole_way(Results((), "evaluate"), ["best.keras"], str(by_class))
    write(tmp_path / "bored" / "a.png", picture_of())
    with pytest.raises(EdgeError, match="'bored', which the model does not know"):
        with_whole_way(Results((), "evaluate"), [str(tiny_tflite)], str(tmp_path), HAAR)
    (tmp_path / "bare").mkdir()
    with pytest.raises(EdgeError, match=r"bare holds no labelled pictures; expected photographs or clips"):
        labelled_pictures(tmp_path / "bare")
    with pytest.raises(EdgeError, match=r"^there is no folder .*nowhere; expected photographs or clips"):
        labelled_pictures(tmp_path / "nowhere")


def test_the_command_prints_and_keeps_it_beside_the_faces(
    forked_toolkit, tiny_tflite, face_folders, by_class, tmp_path
):
    out, page = tmp_path / "frames.json", tmp_path / "report.html"
    asked = ("evaluate", "--model", tiny_tflite, "--frames", by_class, "--detector", HAAR)
    done = forked_toolkit(*asked, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "8 pictures, detector haar" in done.stdout
    assert "87.5 % of 8" in done.stdout
    entry = read_results(out).models[0]
    assert entry.evaluations == ()
    assert entry.whole_way[0].all_faces.found.hits == 7
    assert forked_toolkit("report", out, "--out", page).returncode == 0
    assert "<td>size: over 96 px</td><td>7</td><td>–</td>" in page.read_text()
    assert "<td>87.5 % of 8 (" in page.read_text()
    both = forked_toolkit(*asked, "--data", face_folders, "--json")
    (of_both,) = json.loads(both.stdout)["models"]
    assert len(of_both["evaluations"]) == len(of_both["whole_way"]) == 1
    neither = forked_toolkit("evaluate", "--model", tiny_tflite)
    assert neither.returncode == 2
    assert "--frames" in neither.stderr


def test_on_photographs_most_faces_are_found(shared_dir, model):
    folder = shared_dir / "data/photos"
    measured = measure_whole_way(model, labelled_pictures(folder), str(folder), HAAR)
    assert measured.pictures_n == 37
    assert measured.all_faces.n == 165
    assert 0.8 < measured.all_faces.found.ratio < 1
    assert measured.false_n < 37
    assert measured.all_faces.right_over_all is None
