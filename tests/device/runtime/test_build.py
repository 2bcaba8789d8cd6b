"""What a run is made of: the parts that its options and its model ask for."""

import json
import socket
from dataclasses import replace

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource
from device.errors import EdgeError, UsageError
from device.faces.alignment import FaceCropper
from device.faces.detectors import create_detector
from device.labels import labels_from
from device.model.expression_model import load_model
from device.model.file.metadata import read_metadata
from device.runtime.build import run_with
from device.runtime.options import RunOptions
from device.runtime.prior import with_prior
from device.runtime.stopping import Stop
from toolkit.models.packing import pack_metadata


@pytest.mark.parametrize("crop_margin", [1.22, 1.6])
def test_faces_are_cropped_with_the_margin_that_their_model_was_trained_with(
    tiny_model, tmp_path, crop_margin
):
    """A model's margin is told in widths of YuNet's box, whose own margin is 1.22; Haar's boxes are larger."""
    metadata = replace(read_metadata(tiny_model), crop_margin=crop_margin)
    model_file, picture, rows = tmp_path / "m.tflite", tmp_path / "still.png", tmp_path / "rows.jsonl"
    model_file.write_bytes(pack_metadata(tiny_model.read_bytes(), metadata))
    with DemoSource() as demo:
        cv2.imwrite(str(picture), demo.picture(100))
    run_with(RunOptions(str(picture), str(model_file), detector="haar", output=str(rows)), Stop())

    image, detector = cv2.imread(str(picture)), create_detector("haar")
    margin_ratio = detector.margin_ratio * crop_margin / 1.22
    boxes = [face.box for face in detector.detect_still(image)]
    cropper = FaceCropper(margin_ratio)
    crops = np.stack([cropper.crop(image, box) for box in boxes])
    expected = with_prior(load_model(tiny_model)).predict(crops)
    assert len(boxes) == 2
    found = [list(face["scores"].values()) for face in json.loads(rows.read_text())["faces"]]
    np.testing.assert_allclose(sorted(found), sorted(expected.tolist()), atol=1e-4)


def test_labels_are_named_or_read(tmp_path):
    assert labels_from(None) is None
    assert labels_from("happy, sad,") == ("happy", "sad")
    many = [f"expression number {number}" for number in range(40)]  # longer than a file's name may be
    assert labels_from(",".join(many)) == tuple(many)
    assert labels_from("a" * 300) == ("a" * 300,)
    path = tmp_path / "labels.txt"
    path.write_text("very happy\n\n sad \n", encoding="utf-8")
    assert labels_from(str(path)) == ("very happy", "sad")
    path.write_text("1 sad\n0 very happy\n")
    assert labels_from(str(path)) == ("very happy", "sad")
    for names in (("neutral", "AU 12"), ("happy 1", "happy 2", "sad 1"), ("4 wheels", "cars"), ("level 1",)):
        path.write_text("\n".join(names))
        assert labels_from(str(path)) == names
    for wrong, told in (
        ("0 happy\n1 fear\nsad", "'sad' has no number"),
        ("0 happy\n7 sad", r"received \[0, 7\]"),
    ):
        path.write_text(wrong)
        with pytest.raises(UsageError, match=told):
            labels_from(str(path))
    with pytest.raises(EdgeError, match="no such file; expected one label a line"):
        labels_from(str(tmp_path / "gone"))
    path.write_text("\n\n")
    for empty in (str(path), " , "):
        with pytest.raises(UsageError, match="names no label"):
            labels_from(empty)


@pytest.mark.parametrize(
    "content",
    [
        '{"very happy": 1, "angry": 0, "sad": 2}',  # train.class_indices of a Keras notebook
        '{"1": "very happy", "0": "angry", "2": "sad"}',
        '["angry", "very happy", "sad"]',
    ],
)
def test_labels_are_read_from_json(tmp_path, content):
    path = tmp_path / "class_indices.json"
    path.write_text(content)
    assert labels_from(str(path)) == ("angry", "very happy", "sad")


@pytest.mark.parametrize(
    "content", ["{}", '{"a": "b"}', '{"a": null}', '{"a": 0, ', "3", "[[", '[{"a": 0}]', '{"a": {"b": 0}}']
)
def test_json_of_something_else_is_told(tmp_path, content):
    path = tmp_path / "class_indices.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"is JSON, but no names with numbers; expected|names no label"):
        labels_from(str(path))


def test_numbers_in_json_that_leave_some_out_are_told(tmp_path):
    (tmp_path / "other.txt").write_text('{"happy": 0, "sad": 7}')
    with pytest.raises(UsageError, match=r"expected the numbers from 0 to 1; received \[0, 7\]"):
        labels_from(str(tmp_path / "other.txt"))


def test_a_preview_says_where_it_is(tiny_model, caplog):
    caplog.set_level("INFO", "device")
    options = RunOptions("demo:3", str(tiny_model), detector="haar", preview="127.0.0.1:0")
    assert run_with(options).frames == 3
    assert any("http://127.0.0.1:" in message for message in caplog.messages)


def test_what_was_opened_is_closed_when_a_pin_cannot_be_used(tiny_model):
    with socket.create_server(("127.0.0.1", 0)) as free:
        host, port = free.getsockname()
    rule = {"name": "smile", "expression": "happy", "gpio": 17}
    options = RunOptions("demo:3", str(tiny_model), detector="haar", preview=f"{host}:{port}", rules=(rule,))
    with pytest.raises(EdgeError, match=r"gpiozero|cannot be used"):
        run_with(options)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))
