"""One contract over every detector; yunet where its file is at hand."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource, MovingFace
from device.cli.benchmark import benchmark
from device.cli.run import run
from device.errors import EdgeError, UsageError
from device.faces.detectors import DETECTORS, create_detector, detector_names
from device.faces.detectors import yunet_file as room
from device.faces.detectors.yunet_file import stored_yunet
from device.frames import BoundingBox
from device.service.doctor import examine

STILL = (MovingFace(140, (200, 200), (0, 0), 1.0), MovingFace(110, (480, 300), (0, 0), 1.0))


@pytest.fixture(params=DETECTORS)
def create(request):
    def build(min_face_px=60, **kwargs):
        if request.param == "yunet":
            kwargs.setdefault("model_file", request.getfixturevalue("yunet_file"))
        return create_detector(request.param, min_face_px, **kwargs)

    return build


@pytest.fixture(scope="module")
def picture():
    with DemoSource(1, faces=STILL) as demo:
        yield demo.picture(0), [face.box(0) for face in demo.faces]


def crop_box(detector, box: BoundingBox) -> BoundingBox:
    """Return the square that would be cropped for a found box."""
    (x, y), half = box.center_xy, detector.margin_ratio * box.width / 2
    return BoundingBox(x - half, y - half, x + half, y + half)


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("reduce", [False, True])
def test_it_finds_the_faces_of_a_frame_and_nothing_else(create, picture, gray, reduce):
    image, truth = picture
    detector = create(reduce=reduce)
    found = detector.detect(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if gray else image)
    assert len(found) == len(truth)
    for box in truth:
        best = max(crop_box(detector, face.box).iou(box) for face in found)
        assert best > 0.6  # the crop is the face that was pasted
    assert all(0 <= face.score <= 1 for face in found)


def test_a_still_is_searched_more_thoroughly(create, picture):
    """All faces are found, each once, whatever the size of the picture."""
    image, truth = picture
    detector = create(min_face_px=48)
    for scale in (1.0, 3.0):
        still = cv2.resize(image, None, fx=scale, fy=scale)
        found = detector.detect_still(still)
        assert len(found) == len(truth)
        for box in truth:
            grown = BoundingBox(*(side * scale for side in (box.left, box.top, box.right, box.bottom)))
            assert max(crop_box(detector, face.box).iou(grown) for face in found) > 0.6


def test_a_still_needs_a_surer_face_than_a_frame(yunet_file):
    with DemoSource(1, faces=[MovingFace(110, (300, 240), (0, 0), 1.0)]) as demo:
        blurred = cv2.GaussianBlur(demo.picture(0), (0, 0), 10.5)
    detector = create_detector("yunet", 60, model_file=yunet_file, reduce=False)
    assert detector.detect(blurred)
    assert detector.detect_still(blurred) == []


def test_it_finds_a_face_near_where_it_was(create, picture):
    image, truth = picture
    detector = create()
    for box in truth:
        width = box.width / detector.margin_ratio
        x, y = box.center_xy
        half = width * detector.region_ratio / 2
        for dx, dy in ((0, 0), (0.2 * width, -0.15 * width)):
            region = BoundingBox(x + dx - half, y + dy - half, x + dx + half, y + dy + half)
            found = detector.detect(image, region)
            assert found
            assert max(crop_box(detector, face.box).iou(box) for face in found) > 0.6


@pytest.mark.parametrize(("gain", "added"), [(0.06, 0), (0.06, 120)], ids=["dark", "hazy"])
def test_the_faces_of_a_dark_or_hazy_picture_are_found(yunet_file, picture, gain, added):
    image, truth = picture
    dim = (image * gain + added).astype(np.uint8)
    detector = create_detector("yunet", 60, yunet_file)
    for found in (detector.detect(dim), detector.detect_still(dim)):
        assert len(found) == len(truth)
    for box in truth:
        near = detector.detect(dim, box)
        assert max(crop_box(detector, face.box).iou(box) for face in near) > 0.6


def test_a_region_may_leave_the_frame(create):
    with DemoSource(1, faces=(MovingFace(140, (80, 75), (0, 0), 1.0),)) as demo:
        image, truth = demo.picture(0), demo.faces[0].box(0)
    detector = create()
    found = detector.detect(image, BoundingBox(-95, -100, 255, 250))
    assert max(crop_box(detector, face.box).iou(truth) for face in found) > 0.6


@pytest.mark.parametrize("shape", [(480, 640, 3), (480, 640), (37, 1001, 3), (1, 1, 3), (20, 20)])
def test_an_empty_picture_of_any_size_holds_no_face(create, shape):
    detector = create()
    assert detector.detect(np.full(shape, 128, np.uint8)) == []
    assert detector.detect_still(np.full(shape, 128, np.uint8)) == []
    assert detector.detect(np.full(shape, 128, np.uint8), BoundingBox(-10, -10, 90, 90)) == []


def test_it_refuses_a_file_that_is_no_model(create, tmp_path):
    with pytest.raises(EdgeError, match="no"):
        create(model_file=tmp_path / "gone")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"<xml>nothing</xml>")
    with pytest.raises(EdgeError, match="not a"):
        create(model_file=broken)


def test_wrong_use_is_named():
    with pytest.raises(UsageError, match="expected one of haar, yunet"):
        create_detector("mtcnn")
    with pytest.raises(UsageError, match="`min_face`"):
        create_detector("haar", 4)


@pytest.fixture
def without_yunet(tmp_path, monkeypatch):
    """A package that was built without YuNet's file, and nothing fetched."""
    monkeypatch.setenv("FER_EDGE_HOME", str(tmp_path))
    monkeypatch.setattr(room, "PACKAGED_YUNET", tmp_path / "absent.onnx")


def test_yunet_says_how_to_be_fetched(without_yunet):
    with pytest.raises(EdgeError, match="device fetch yunet"):
        create_detector("yunet")


def test_yunet_is_the_default_and_haar_stands_in_with_a_warning(without_yunet, yunet_file, caplog):
    assert create_detector().name == "haar"
    (record,) = caplog.records
    assert (record.levelname, "device fetch yunet" in record.message) == ("WARNING", True)
    stored_yunet().parent.mkdir(parents=True)
    stored_yunet().write_bytes(yunet_file.read_bytes())
    assert create_detector().name == "yunet"
    assert len(caplog.records) == 1


@pytest.mark.parametrize("name", DETECTORS)
def test_a_file_decides_which_detector_reads_it(name, without_yunet, yunet_file, tmp_path, caplog):
    """Also where the package has no YuNet: who has its file got it by hand."""
    cascade = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    file = tmp_path / {"haar": "mine.XML", "yunet": "mine.onnx"}[name]
    file.write_bytes({"haar": cascade, "yunet": yunet_file}[name].read_bytes())
    assert create_detector(model_file=file).name == name
    assert not caplog.records


@pytest.mark.parametrize("detector", [None, *DETECTORS])
@pytest.mark.parametrize("missing", ["gone.onnx", "gone.xml"])
def test_a_detectors_file_that_is_missing_is_what_is_told(detector, missing):
    with pytest.raises(EdgeError, match=rf"^no file {missing}; expected .*; check `detector_model`$"):
        create_detector(detector, model_file=missing)


@pytest.mark.parametrize("command", [run, benchmark])
def test_the_command_line_offers_every_detector(command):
    (option,) = [option for option in command.params if option.name == "detector"]
    assert tuple(option.type.choices) == detector_names()


def test_the_doctor_looks_at_every_detector(without_yunet, tiny_model):
    statuses = {check.name: check.status for check in examine("demo", str(tiny_model))}
    assert {name: statuses[name] for name in DETECTORS} == {"haar": "ok", "yunet": "warn"}
    stored_yunet().parent.mkdir(parents=True)
    stored_yunet().write_bytes(b"a broken disk")
    (check,) = [check for check in examine("demo", str(tiny_model)) if check.name == "yunet"]
    assert (check.status, "fetch yunet" in check.remedy) == ("fail", True)


def test_a_small_picture_is_searched_as_it_is(yunet_file, picture):
    """Its faces are as small, whatever was asked for: 160x120 is what cheap cameras send."""
    image, truth = picture
    small = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
    assert max(box.width for box in truth) / 4 < 40
    found = create_detector("yunet", 48, yunet_file).detect(small)
    assert len(found) == len(truth)
    wide = cv2.copyMakeBorder(small, 0, 0, 0, 640 - 160, cv2.BORDER_REPLICATE)
    assert (
        create_detector("yunet", 48, yunet_file).detect(wide) == []
    )  # there 48 pixels are what is looked for


def test_haar_searches_at_the_size_that_the_smallest_face_needs():
    assert create_detector("haar", 96, reduce=False).scale == 1.0
    assert create_detector("haar", 96).scale == pytest.approx(create_detector("haar", 48).scale / 2)
    assert create_detector("haar", 16).scale == 1.0  # never enlarged


def test_a_damaged_network_ends_a_process_of_its_own(tmp_path, yunet_file, monkeypatch):
    """OpenCV follows the kind of a layer that is no UTF-8 out of its memory."""
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "128")  # as on a host of so many processors
    content = yunet_file.read_bytes()
    (tmp_path / "own.onnx").write_bytes(content.replace(b"\x04Relu", b"\x04Re\xffu"))
    with pytest.raises(EdgeError, match=r"own\.onnx is not a YuNet model that OpenCV can read"):
        create_detector(model_file=tmp_path / "own.onnx")
    (tmp_path / "own.onnx").write_bytes(content + b"\x7a\0")  # an empty field that ONNX does not have
    assert create_detector(model_file=tmp_path / "own.onnx").detect(np.zeros((240, 320, 3), np.uint8)) == []
    os.truncate(tmp_path / "own.onnx", 1 << 40)
    with pytest.raises(EdgeError, match="expected at most 20,480; fetch it with"):
        create_detector(model_file=tmp_path / "own.onnx")


def test_a_trial_that_fails_itself_blames_no_file(tmp_path, yunet_file, monkeypatch):
    (tmp_path / "own.onnx").write_bytes(yunet_file.read_bytes() + b"\x7a\0")
    with monkeypatch.context() as patch:
        patch.setattr("device.faces.detectors.network_trial.CLOCK_S", 0.01)
        with pytest.raises(EdgeError, match=r"own\.onnx itself failed: no answer within 0\.01 s; "):
            create_detector(model_file=tmp_path / "own.onnx")
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EdgeError, match=r"own\.onnx itself failed: ImportError: libGL\.so\.1; "):
        create_detector(model_file=tmp_path / "own.onnx")


def test_a_network_that_is_read_but_cannot_be_computed_is_one_line(tmp_path, yunet_file):
    """The weights of one layer go by another name, so they are missing there; OpenCV notices in the first search."""
    weights = b"backbone.model0.conv2.conv1.weightJ"
    content = yunet_file.read_bytes()
    assert content.count(weights) == 1
    (tmp_path / "own.onnx").write_bytes(content.replace(weights, weights.replace(b"weight", b"weighs")))
    with pytest.raises(EdgeError, match="is not a YuNet model that OpenCV can read"):
        create_detector(model_file=tmp_path / "own.onnx").detect(np.zeros((240, 320, 3), np.uint8))
