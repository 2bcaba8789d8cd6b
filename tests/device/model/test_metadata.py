"""What a model file says of itself comes out again, for us and for others."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import EdgeError
from device.model.expression_model import load_model, model_of
from device.model.metadata import (
    JSON_NAME,
    InputContract,
    ModelMetadata,
    graph_bytes,
    read_labels,
    read_metadata,
    weights_sha256,
)
from device.model.tflite_file import read_tflite
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
    assert (model_of(again, tiny_model).predict(blobs) == expected).all()


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
