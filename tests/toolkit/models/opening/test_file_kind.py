"""What a file is shows its content: foreign ones are refused with the way out, renamed ones opened."""

import zipfile
from pathlib import Path

import pytest

from device.errors import EdgeError
from toolkit.models.opening.file_kind import HDF5, KERAS_3, SAVED_MODEL, kind_of

PACKAGED = Path(__file__).parents[4] / "device" / "data" / "fer7_int8.tflite"
FOREIGN = [
    ("m.keras", b"", "is empty"),
    ("m.keras", b"PK\x03\x04 and no more", "was cut short: its end is missing"),
    ("m.keras", b"\x89PNG", r"no Keras model: it starts with b'\\x89PNG'"),
    ("m.h5", b"\x00\x01\x02\x03", "no HDF5 file"),
    (
        "m.keras",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "Git LFS pointer.*git lfs pull",
    ),
    ("m.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer.*git lfs pull"),
    ("m.pth", b"\x80\x02\x8a\nl\xfc", r"a pickle.*PyTorch.*model\.save"),
    ("m.pt", b"anything", r"a PyTorch model.*convert it to \.tflite"),
    ("m.onnx", b"\x08\x07", r"an ONNX model.*convert it to \.tflite"),
    ("m.keras", b"\x08\x08\x12\x07pytorch\x1a\x051.13", r"an ONNX model.*convert it to \.tflite"),
    ("m.keras", b"\x1c\x00\x00\x00TFL3", "a TFLite model; name the Keras model"),
    ("m.keras", b"<!DOCTYPE html><html>", "a web page.*download the file"),
    ("m.keras", b'{"class_name": "Sequential"}', "JSON without weights"),
    (
        "model.json",
        b'{"format": "layers-model", "modelTopology": {}}',
        r"a TensorFlow\.js model.*model\.save",
    ),
    ("m.mlmodel", b"\x08\x04", r"a Core ML model.*model\.save"),
    ("m.safetensors", b"\x10\x00\x00\x00", "a file of weights without the network"),
]


@pytest.mark.parametrize(("name", "content", "message"), FOREIGN)
def test_foreign_files_are_named_with_the_way_out(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgeError, match=message):
        kind_of(tmp_path / name)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (("archive/data.pkl", "archive/data/0"), r"a PyTorch model.*convert it to \.tflite"),
        (("readme.txt",), "config.json, model.weights.h5 is missing"),
        (("best.keras", "readme.txt"), "a zip archive around best.keras; unpack it first"),
        (("config.json",), "model.weights.h5 is missing"),
    ],
)
def test_other_archives_are_named(tmp_path, members, message):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    with pytest.raises(EdgeError, match=message):
        kind_of(tmp_path / "m.keras")


def test_a_tflite_that_ends_with_its_metadata_is_called_so():
    with pytest.raises(EdgeError, match=r"is a TFLite model; name the Keras model that it was made from"):
        kind_of(PACKAGED)


def test_the_name_does_not_matter(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    assert kind_of(tmp_path / "m.keras") == HDF5
    with zipfile.ZipFile(tmp_path / "m.h5", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    assert kind_of(tmp_path / "m.h5") == KERAS_3
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert kind_of(tmp_path) == SAVED_MODEL


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(EdgeError, match=r"no model at .*none.keras"):
        kind_of(tmp_path / "none.keras")
    with pytest.raises(EdgeError, match=r"without saved_model.pb"):
        kind_of(tmp_path)
    (tmp_path / "cp.ckpt.index").write_bytes(b"x")
    with pytest.raises(EdgeError, match=r"a folder of checkpoints, weights without the network.*model\.save"):
        kind_of(tmp_path)
