"""The structural check: good files are read whole, damaged ones are refused and never crash."""

import numpy as np
import pytest

from device.errors import EdgeError
from device.model.file.associated_files import graph_bytes
from device.model.file.tflite_file import read_tflite


def test_reads_graph_tensors_and_constants(tiny_model):
    file = read_tflite(tiny_model)
    assert [operator.name for operator in file.operators] == [
        "CONV_2D", "CONV_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    image, scores = file.tensors[file.inputs[0]], file.tensors[file.outputs[0]]
    assert (image.shape, image.dtype, image.zero_points) == ((1, 48, 48, 1), "int8", (-128,))
    assert scores.shape == (1, 7)
    kernel = file.tensors[file.operators[0].inputs[1]]
    assert kernel.values().shape == kernel.shape == (4, 5, 5, 1)
    assert len(kernel.scales) == 4  # a scale a channel


def test_agrees_with_the_schema_that_litert_ships(tiny_model):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    theirs = schema.Model.GetRootAs(graph_bytes(tiny_model.read_bytes()), 0).Subgraphs(0)
    ours = read_tflite(tiny_model)
    assert [tensor.name for tensor in ours.tensors] == [
        theirs.Tensors(index).Name().decode() for index in range(theirs.TensorsLength())
    ]
    for index, tensor in enumerate(ours.tensors):
        quantization = theirs.Tensors(index).Quantization()
        assert list(tensor.shape) == list(theirs.Tensors(index).ShapeAsNumpy())
        if tensor.scales:
            assert np.array_equal(np.float32(tensor.scales), quantization.ScaleAsNumpy())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "is no TFLite model"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is no TFLite model but a Git LFS pointer"),
        (b"PK\3\4" + b"\0" * 64, "is no TFLite model but a zip archive, such as a .keras file"),
        (b"\0\0\0\0TFL3", "is a damaged TFLite model"),
        (b"\xff\xff\xff\x7fTFL3" + b"\0" * 64, "is a damaged TFLite model"),
    ],
)
def test_foreign_files_are_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "odd.tflite"
    path.write_bytes(content)
    with pytest.raises(EdgeError, match=message):
        read_tflite(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.onnx", b"??", "is no TFLite model but an ONNX model; convert it to .tflite"),
        ("m.tflite", b"\x08\x08\x12\x07pytorch\x1a\x051.13", "is no TFLite model but an ONNX model"),
        ("m.pt", b"PK\3\4" + b"\0" * 64, "is no TFLite model but a PyTorch model; convert it to .tflite"),
        (
            "m.onnx",
            b"version https://git-lfs.github.com/spec/v1\noid",
            "is no TFLite model but a Git LFS pointer",
        ),
    ],
)
def test_models_of_other_kinds_are_named_with_the_way_out(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgeError, match=message):
        read_tflite(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EdgeError, match=r"nowhere.tflite"):
        read_tflite(tmp_path / "nowhere.tflite")


def test_every_truncation_is_refused(tiny_model):
    graph = graph_bytes(tiny_model.read_bytes())
    for size in range(0, len(graph) - 8, 97):
        with pytest.raises(EdgeError):
            read_tflite(graph[:size])


def test_a_file_that_leads_round_and_round_is_refused():
    import flatbuffers

    # Every one of 2,000 subgraphs has the same 2,000 tensors: 4 million tables in 20 kB.
    builder = flatbuffers.Builder(1024)
    builder.StartObject(1)
    tensor = builder.EndObject()
    builder.StartVector(4, 2000, 4)
    for _ in range(2000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(0, tensors, 0)
    graph = builder.EndObject()
    builder.StartVector(4, 2000, 4)
    for _ in range(2000):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    buffers = one_empty_buffer(builder)
    builder.StartObject(8)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.PrependUOffsetTRelativeSlot(4, buffers, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    with pytest.raises(EdgeError, match="over and over"):
        read_tflite(bytes(builder.Output()))


def one_empty_buffer(builder):
    builder.StartObject(1)
    empty = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(empty)
    return builder.EndVector()
