"""Loading, verifying and running a classifier."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import IMAGE, LABELS, Graph

from device.errors import EdgeError
from device.model.checks.classifier import fitting_labels
from device.model.expression_model import ExpressionModel, load_model
from device.model.file.associated_files import graph_bytes
from device.model.file.metadata import InputContract, ModelMetadata
from device.model.file.tflite_file import Tensor, read_tflite
from device.model.pixels import input_contract, input_range, pixel_table

pytest.importorskip("ai_edge_litert")
DEVICE = Path(sys.executable).with_name("device")  # the installed script


def test_predicts_a_probability_a_label(tiny_model, blobs):
    model = load_model(tiny_model)
    found = model.predict(blobs)
    assert found.shape == (len(blobs), 7)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1, abs=0.03)
    assert len(set(found.argmax(axis=1))) > 1


def test_a_crop_enters_as_pixel_minus_128(tiny_model, blobs):
    tensor = load_model(tiny_model).prepare(blobs[0])
    assert tensor.shape == (1, 48, 48, 1)
    assert (tensor[0, :, :, 0] == (blobs[0] ^ 0x80).view(np.int8)).all()


def test_answers_are_those_of_the_stock_interpreter(tiny_model, blobs):
    from ai_edge_litert.interpreter import Interpreter

    stock = Interpreter(str(tiny_model))
    stock.allocate_tensors()
    stock.set_tensor(
        stock.get_input_details()[0]["index"], (blobs[:1, :, :, None].astype(int) - 128).astype(np.int8)
    )
    stock.invoke()
    scale, zero_point = stock.get_output_details()[0]["quantization"]
    raw = stock.get_tensor(stock.get_output_details()[0]["index"])
    assert load_model(tiny_model).predict(blobs[:1]) == pytest.approx((raw - zero_point) * np.float32(scale))


def test_crops_of_another_size_are_resized(tiny_model, blobs):
    model = load_model(tiny_model)
    doubled = blobs.repeat(2, axis=1).repeat(2, axis=2)
    assert model.predict(doubled) == pytest.approx(model.predict(blobs))


def test_no_crops_give_no_rows(tiny_model):
    assert load_model(tiny_model).predict(np.zeros((0, 48, 48), np.uint8)).shape == (0, 7)


def test_other_arrays_are_refused(tiny_model):
    with pytest.raises(ValueError, match="uint8"):
        load_model(tiny_model).predict(np.zeros((1, 48, 48), np.float32))


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "pixel_scale", "expected"),
    [
        ("int8", 1 / 255, -128, None, {0: -128, 1: -127, 255: 127}),
        ("uint8", 1 / 255, 0, None, {0: 0, 128: 128, 255: 255}),
        ("int8", 1.0, -128, None, {0: -128, 255: 127}),
        ("int8", 2 / 255, -1, None, {0: -128, 255: 127}),  # the network takes -1..1
        ("int8", 275 / 255, -13, None, {0: -128, 255: 127}),  # 0..255 less ImageNet's means
        ("int8", 4.76 / 255, -15, None, {0: -128, 255: 127}),  # their deviations taken out too
        ("int8", 255 / 127, 0, None, {0: 0, 255: 127}),  # a symmetric range, of which half is used
        ("int8", 0.5, -128, 1.0, {0: -128, 100: 72, 255: 127}),  # saturates
        ("int16", 1 / 32767, 0, 1 / 255, {0: 0, 255: 32767}),
        ("float32", 0.0, 0, 1 / 255, {0: 0.0, 255: 1.0}),
        ("float32", 0.0, 0, None, {0: 0.0, 255: 255.0}),
    ],
)
def test_pixels_enter_by_scale_and_zero_point(dtype, scale, zero_point, pixel_scale, expected):
    scales = ((scale,), (zero_point,)) if scale else ((), ())
    tensor = Tensor("face", (1, 48, 48, 1), (1, 48, 48, 1), dtype, *scales, 0, None)
    contract = InputContract(48, 48, 1, dtype, scale, zero_point, pixel_scale or 1.0)
    metadata = None if pixel_scale is None else ModelMetadata(("a",), contract)
    table = pixel_table(input_contract(tensor, metadata))
    assert table.dtype == dtype
    assert {pixel: table[pixel].item() for pixel in expected} == pytest.approx(expected)


def test_without_labels_it_says_how_many_to_pass(tiny_model, tmp_path):
    bare = tmp_path / "bare.tflite"
    # The name is blanked, or the missing end of the file would be noticed.
    bare.write_bytes(graph_bytes(tiny_model.read_bytes()).replace(b"fer_edge.json", b"other_one.txt"))
    with pytest.raises(EdgeError, match="`labels` with 7 names"):
        load_model(bare)
    with pytest.raises(EdgeError, match="2 labels"):
        load_model(bare, labels=("a", "b"))
    assert load_model(bare, labels=tuple("abcdefg")).labels == tuple("abcdefg")
    assert load_model(bare, allow_unlabelled=True).labels == ()


def test_one_altered_weight_is_noticed(tiny_model, tmp_path):
    content = bytearray(tiny_model.read_bytes())
    kernel = load_model(tiny_model).structure.tensors
    largest = max((bytes(tensor.constant) for tensor in kernel if tensor.constant), key=len)
    content[bytes(content).index(largest) + len(largest) // 2] ^= 0x40
    path = tmp_path / "altered.tflite"
    path.write_bytes(content)
    with pytest.raises(EdgeError, match="altered"):
        load_model(path)


def test_a_file_that_lost_its_end_is_noticed(tiny_model, tmp_path):
    path = tmp_path / "short.tflite"
    path.write_bytes(tiny_model.read_bytes()[:-200])
    with pytest.raises(EdgeError, match="cut short"):
        load_model(path)


def test_info_prints_labels_input_and_provenance(tiny_model):
    done = subprocess.run([DEVICE, "info", str(tiny_model)], capture_output=True, text=True, check=True)
    assert "angry, disgust, fear, happy, sad, surprise, neutral" in done.stdout
    assert "a pixel enters as pixel - 128" in done.stdout
    assert "synthetic" in done.stdout
    assert done.stderr == ""


def test_a_damaged_model_is_one_line_and_exit_1(tmp_path):
    path = tmp_path / "odd.tflite"
    path.write_bytes(b"nothing of the kind")
    done = subprocess.run([DEVICE, "info", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is no TFLite model" in done.stderr


def without_softmax(tflite: bytes) -> bytes:
    """The same network up to its logits, and without metadata."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(graph_bytes(tflite), 0)
    (graph,) = model.subgraphs
    softmax = graph.operators.pop()
    graph.outputs = softmax.inputs
    model.signatureDefs = model.metadata = None
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_logits_become_the_probabilities_that_a_softmax_in_the_graph_gives(tiny_model, blobs, tmp_path):
    path = tmp_path / "logits.tflite"
    path.write_bytes(without_softmax(tiny_model.read_bytes()))
    whole = load_model(tiny_model)
    cut = load_model(path, whole.labels)
    assert (whole.outputs_probabilities, cut.outputs_probabilities) == (True, False)
    found = cut.predict(blobs)
    assert found.sum(axis=1) == pytest.approx(1)
    np.testing.assert_allclose(found, whole.predict(blobs), atol=0.01)


def test_a_small_crop_is_enlarged_smoothly(tiny_model):
    ramp = np.tile(np.arange(24, dtype=np.uint8) * 10, (24, 1))
    row = load_model(tiny_model).prepare(ramp)[0, 20, :, 0].astype(int) + 128
    steps = np.diff(row)
    assert row[0] == 0
    assert row[-1] == 230
    assert steps.max() <= 6  # half of the ramp's step; repeated pixels would jump by all of it


def test_a_description_without_a_margin_means_the_one_of_fer2013(tiny_model):
    contract = InputContract(48, 48, 1, "int8", 1 / 255, -128)
    assert ModelMetadata(("a", "b"), contract).crop_margin == 1.22


def test_one_output_for_two_labels_says_how_to_make_two(tiny_model):
    structure = read_tflite(tiny_model)
    tensors = list(structure.tensors)
    tensors[structure.outputs[0]] = replace(tensors[structure.outputs[0]], shape=(1, 1))
    single = replace(structure, tensors=tuple(tensors))
    with pytest.raises(EdgeError, match=r"puts out \[1, 1\].*toolkit quantize"):
        fitting_labels(tiny_model, single, ("sad", "happy"))


def raw_pixels(name: str, **quantized) -> bytes:
    """A graph that takes uint8 without a scale, whose first operator is CAST, or another that passes it on."""
    graph = Graph(dtype="uint8", **quantized)
    image = graph.image
    if name != "CAST":
        image = graph.add(name, [image, graph.ints(IMAGE)], IMAGE, dtype="uint8")
    return graph.classifier(graph.add("CAST", [image], IMAGE))


@pytest.mark.parametrize("quantized", [{}, {"scale": 0.0}])
def test_pixels_without_a_scale_enter_as_they_are(tmp_path, quantized):
    path = tmp_path / "raw.tflite"
    path.write_bytes(raw_pixels("CAST", **quantized))
    (tmp_path / "float.tflite").write_bytes((made := Graph()).classifier(made.image))
    model = load_model(path, LABELS)
    crop = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert (model.prepare(crop)[0] == crop).all()
    assert model.range_is_known
    same = load_model(tmp_path / "float.tflite", LABELS, pixel_range="0..255")
    assert model.predict(crop[None]) == pytest.approx(same.predict(crop[None]))


def test_numbers_without_a_scale_that_are_no_pixels_at_once_are_told_the_way_out(tmp_path):
    path = tmp_path / "raw.tflite"
    path.write_bytes(raw_pixels("RESHAPE"))
    with pytest.raises(
        EdgeError, match=r"takes uint8 with scales \(\).*or uint8 pixels that are cast to float32 first"
    ):
        load_model(path, LABELS)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("weight", "pixel_range"), [(0.1, "0..1"), (0.1 / 127.5, "0..255")])
def test_a_rescaling_inside_the_first_weights_tells_what_to_assume(weight, pixel_range, dtype):
    graph = Graph()
    kernel = graph.tensor((4, 3, 3, 3), dtype, np.full((4, 3, 3, 3), weight, dtype))
    if dtype == "float16":
        kernel = graph.add("DEQUANTIZE", [kernel], (4, 3, 3, 3))
    strides = graph.options("Conv2D", padding=0, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1)
    found = graph.add("CONV_2D", [graph.image, kernel, graph.floats((4,))], (1, 8, 8, 4), strides)
    model = ExpressionModel(graph.classifier(found), Path("a.tflite"), LABELS)
    assert (model.pixel_range, model.range_is_known) == (pixel_range, False)


@pytest.mark.parametrize(
    ("largest", "pixel_range"), [(1, ""), (2.64, ""), (151.1, "caffe"), (240, "0..255"), (255, "0..255")]
)
def test_the_span_of_an_int16_input_tells_which_levels_enter(largest, pixel_range):
    graph = Graph(dtype="int16", scale=largest / 32767)
    data = graph.classifier(graph.add("DEQUANTIZE", [graph.image], IMAGE))
    assert input_range(read_tflite(data), None, None) == pixel_range
