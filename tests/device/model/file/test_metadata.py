"""What a model file says of itself comes out again, for us and for others."""

import contextlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel, load_model
from device.model.file.associated_files import JSON_NAME, graph_bytes, read_associated_files
from device.model.file.metadata import (
    InputContract,
    ModelMetadata,
    read_labels,
    read_metadata,
    weights_sha256,
)
from device.model.file.tflite_file import read_tflite
from toolkit.models.packing import pack_metadata

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def packed(tiny_model, tmp_path):
    contract = InputContract(48, 48, 1, "int8", 1 / 255, -128)
    accuracy = {"float": {"accuracy": 0.5, "n": 2, "interval": [0.1, 0.9], "data": "synthetic"}}
    metadata = ModelMetadata(
        tuple("abcdefg"), contract, recipe="int8", accuracy=accuracy, versions={"numpy": "2"}
    )
    path = tmp_path / "packed.tflite"
    path.write_bytes(pack_metadata(tiny_model.read_bytes(), metadata))
    return path, metadata


def test_comes_back_as_it_was_packed(packed):
    path, metadata = packed
    found = read_metadata(path)
    assert replace(found, weights_sha256="") == metadata
    assert found.weights_sha256 == weights_sha256(path.read_bytes())


def test_python_zipfile_finds_the_labels(packed):
    with zipfile.ZipFile(packed[0]) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode().split() == list("abcdefg")


def test_the_stock_interpreter_opens_the_packed_file_and_answers_alike(packed, tiny_model, blobs):
    before, after = load_model(tiny_model), load_model(packed[0])
    assert (before.predict(blobs) == after.predict(blobs)).all()


def test_the_standard_metadata_is_identified_and_names_the_labels(packed):
    standard = read_tflite(packed[0]).metadata["TFLITE_METADATA"]
    assert standard[4:8] == b"M001"
    assert b"labels.txt" in standard


def test_packing_again_replaces(packed):
    path, metadata = packed
    again = pack_metadata(path.read_bytes(), metadata)
    assert again == path.read_bytes()


def test_constants_that_stand_behind_the_flatbuffer_are_kept(tiny_model, blobs):
    """As Google's quantizer writes its files."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def packed(model):
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    model = schema.ModelT.InitFromPackedBuf(graph_bytes(tiny_model.read_bytes()), 0)
    outside = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data) > 64]
    contents = [bytes(bytearray(buffer.data)) for buffer in outside]
    for buffer, content in zip(outside, contents, strict=True):
        buffer.data, buffer.offset, buffer.size = None, 1 << 40, len(content)
    end = len(packed(model))
    for buffer, content in zip(outside, contents, strict=True):
        buffer.offset, end = end, end + len(content)
    moved = packed(model) + b"".join(contents)
    contract = InputContract(48, 48, 1, "int8", 1 / 255, -128)
    again = pack_metadata(moved, ModelMetadata(tuple("abcdefg"), contract))
    assert len(contents) > 0
    expected = load_model(tiny_model).predict(blobs)
    assert (ExpressionModel(again, tiny_model).predict(blobs) == expected).all()


def test_a_file_without_metadata_has_none(tiny_model, tmp_path):
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(graph_bytes(tiny_model.read_bytes()))
    assert read_metadata(bare) is None
    assert read_labels(bare) is None


@pytest.mark.parametrize(
    "content", ["{", '{"labels": ["a"]}', '{"labels": ["a"], "input": {"height": 48}}', "[]"]
)
def test_broken_json_inside_is_one_line(tiny_model, tmp_path, content):
    path = tmp_path / "odd.tflite"
    path.write_bytes(graph_bytes(tiny_model.read_bytes()))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(JSON_NAME, content)
    with pytest.raises(EdgeError, match=JSON_NAME):
        read_metadata(path)


def test_another_tools_metadata_reader_understands_it(packed):
    """With Google's tflite-support, where it is installed: it has wheels for Python 3.11 and numpy 1 only."""
    theirs = pytest.importorskip("tflite_support").metadata
    reader = theirs.MetadataDisplayer.with_model_file(str(packed[0]))
    assert reader.get_packed_associated_file_list() == ["labels.txt", JSON_NAME]
    document = json.loads(reader.get_metadata_json())
    (graph,) = document["subgraph_metadata"]
    (image,), (scores,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    assert image["content"]["content_properties"]["default_size"] == {"width": 48, "height": 48}
    assert image["process_units"][0]["options"] == {"mean": [0.0], "std": [255.0]}
    assert scores["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"


def test_litert_benchmark_times_the_packed_file(packed):
    program = Path(sys.executable).with_name("litert-benchmark")
    if not program.exists():
        pytest.skip("this LiteRT brings no litert-benchmark")
    command = [program, f"--model={packed[0]}", "--num_runs=3", "--warmup_runs=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    assert "Inference (median)" in done.stdout + done.stderr


def with_member(tiny_model, path, name, content):
    """Write the tiny model's graph with one appended file to ``path``."""
    path.write_bytes(graph_bytes(tiny_model.read_bytes()))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def wrong(**fields):
    contract = {
        "height": 48,
        "width": 48,
        "channels": 1,
        "dtype": "int8",
        "scale": 1 / 255,
        "zero_point": -128,
    }
    document = {"labels": list("abcdefg"), "input": contract}
    for name, value in fields.items():
        (contract if name in contract or name == "pixel_scale" else document)[name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"crop_margin": "wide"}, "crop_margin is 'wide'"),
        ({"crop_margin": float("nan")}, "crop_margin is nan"),
        ({"crop_margin": 0}, "crop_margin is 0"),
        ({"crop_margin": -1.2}, "crop_margin is -1.2"),
        ({"crop_margin": 1e9}, "crop_margin is 1000000000.0"),
        ({"crop_margin": 10**400}, "crop_margin is 1000"),
        ({"crop_margin": True}, "crop_margin is True"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"scale": 0}, "scale is 0"),
        ({"pixel_scale": float("inf")}, "pixel_scale is inf"),
        ({"zero_point": 1.5}, "zero_point is 1.5"),
        ({"height": 10**12}, "height is 1000000000000"),
        ({"dtype": "object"}, "dtype is 'object'"),
        ({"input": []}, "input is"),
        ({"labels": None}, "labels is None"),
        ({"labels": [None] * 7}, "labels is"),
        ({"labels": "abcdefg"}, "labels is 'abcdefg'"),
        ({"labels": list("abcdefa")}, "'a' stands there twice"),
        ({"labels": ["a" * 101, *"bcdefg"]}, "label 1"),
        ({"labels": ["\x1b[2J", *"bcdefg"]}, r"label 1 is '\\x1b\[2J'"),
        ({"labels": ["a"] * 10001}, "at most 10000 texts"),
        ({"created": 3}, "created is 3"),
        ({"created": "x" * 2000}, "created is 'xxx"),
        ({"versions": ["numpy"]}, "versions is"),
        ({"versions": {"numpy": 2}}, "versions: numpy is 2"),
        ({"equalized": "yes"}, "equalized is 'yes'"),
        ({"kept_float": [1]}, "kept_float is"),
        ({"representative": {"count": -1}}, "count is -1"),
        ({"accuracy": {"float": {"accuracy": 2}}}, "accuracy is 2"),
        ({"accuracy": {"float": {"accuracy": 1, "n": 1, "interval": [0], "data": ""}}}, "interval is"),
    ],
)
def test_what_does_not_fit_is_told_where_it_enters(tiny_model, tmp_path, fields, said):
    path = with_member(tiny_model, tmp_path / "odd.tflite", JSON_NAME, wrong(**fields))
    with pytest.raises(EdgeError, match=said) as raised:
        load_model(path)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


def test_fields_of_later_versions_are_passed_over(tiny_model, tmp_path):
    path = with_member(tiny_model, tmp_path / "later.tflite", JSON_NAME, wrong(invented_later={"a": 1}))
    assert load_model(path).labels == tuple("abcdefg")


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"labels": ' + "9" * 5000 + "}", "\udcff".encode("utf-8", "surrogatepass")],
    ids=["deep", "huge integer", "no UTF-8"],
)
def test_json_that_python_does_not_take_is_one_line(tiny_model, tmp_path, content):
    path = with_member(tiny_model, tmp_path / "odd.tflite", JSON_NAME, content)
    with pytest.raises(EdgeError, match="is no JSON"):
        load_model(path)


def test_damaged_members_are_one_line(tiny_model, tmp_path):
    path = with_member(tiny_model, tmp_path / "good.tflite", JSON_NAME, wrong())
    graph, whole = graph_bytes(path.read_bytes()), path.read_bytes()
    for place in range(len(graph), len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        with contextlib.suppress(EdgeError):
            read_metadata(bytes(damaged))


@pytest.mark.parametrize("name", [JSON_NAME, "labels.txt"])
def test_a_member_that_swells_is_refused_before_it_is_unpacked(tiny_model, tmp_path, name):
    path = with_member(tiny_model, tmp_path / "bomb.tflite", name, b" " * (64 << 20))
    with pytest.raises(EdgeError, match="67108864 bytes"):
        load_model(path)


def test_a_list_of_thousands_of_members_is_refused_before_it_is_read(tiny_model, tmp_path):
    path = with_member(tiny_model, tmp_path / "many.tflite", JSON_NAME, wrong())
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(2000):
            archive.writestr(f"other{number}.bin", b"")
    with pytest.raises(EdgeError, match=r"list has [0-9]+ bytes, expected 65536 at most"):
        load_model(path)
    whole = path.read_bytes()
    end = whole.rindex(b"PK\5\6")
    hidden = bytearray(whole[end:])  # the end says that it is short, and that a longer record comes before it
    hidden[12:16] = bytes(4)
    path.write_bytes(whole[:end] + b"PK\6\7" + bytes(16) + hidden)
    with pytest.raises(EdgeError, match="zip over 4 GB"):
        load_model(path)


def test_members_of_other_names_are_not_unpacked(tiny_model, tmp_path):
    path = with_member(tiny_model, tmp_path / "more.tflite", JSON_NAME, wrong())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(50):
            archive.writestr(f"other{number}.bin", bytes(1 << 20))
    assert list(read_associated_files(path)) == [JSON_NAME]


def test_labels_of_other_tools_are_read_with_a_byte_order_mark(tiny_model, tmp_path):
    lines = "\ufeff" + "\r\n".join("abcdefg")
    path = with_member(tiny_model, tmp_path / "theirs.tflite", "probability-labels.txt", lines)
    assert read_labels(path) == tuple("abcdefg")
