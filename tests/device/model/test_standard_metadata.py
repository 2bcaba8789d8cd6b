"""What the standard metadata of other tools say of the pixels and the labels is so."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
from graphs import LABELS, Graph

from device.model.description import describe, description_lines
from device.model.expression_model import load_model
from device.model.file.metadata import STANDARD_NAME
from device.model.file.standard_metadata import label_file, read_normalization
from device.model.file.tflite_file import read_tflite

pytest.importorskip("ai_edge_litert")
RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (3, 8, 8), dtype=np.uint8)
IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def standard_metadata(mean, deviation, kind=1, labels=""):
    """Return what tflite-support's metadata writers make of an image classifier, ``kind`` of its process unit: 1,
    NormalizationOptions; ``labels``: what the second output's file of labels is called."""
    import flatbuffers

    builder = flatbuffers.Builder(256)

    def floats(values):
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependFloat32(value)
        return builder.EndVector()

    def table(slots, count):
        builder.StartObject(count)
        for slot, place in slots.items():
            builder.PrependUOffsetTRelativeSlot(slot, place, 0)
        return builder.EndObject()

    def vector(place):
        builder.StartVector(4, 1, 4)
        builder.PrependUOffsetTRelative(place)
        return builder.EndVector()

    def scores():
        """Two outputs: a file that is none of labels, then one that is."""
        heads = []
        for name, file_kind in (("words.txt", 4), (labels, 2)):
            text = builder.CreateString(name)
            builder.StartObject(5)
            builder.PrependUOffsetTRelativeSlot(0, text, 0)
            builder.PrependInt8Slot(2, file_kind, 0)
            heads.append(table({6: vector(builder.EndObject())}, 7))
        builder.StartVector(4, 2, 4)
        for head in reversed(heads):
            builder.PrependUOffsetTRelative(head)
        return builder.EndVector()

    options = table({0: floats(mean), 1: floats(deviation)}, 2)
    builder.StartObject(2)
    builder.PrependUint8Slot(0, kind, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    unit = builder.EndObject()
    image = table({4: vector(unit)}, 7)
    outputs = {3: scores()} if labels else {}
    graph = table({2: vector(image), **outputs}, 5)
    builder.Finish(table({3: vector(graph)}, 8), file_identifier=b"M001")
    return bytes(builder.Output())


def model_file(path, content, dtype="float32", **quantization):
    """Write a network that puts out logits of the mean of each channel, with ``content`` as its metadata."""
    graph = Graph(dtype=dtype, **quantization)
    entry = graph.schema.MetadataT(STANDARD_NAME, len(graph.model.buffers))
    graph.model.buffers.append(graph._buffer(np.frombuffer(content, np.uint8)))
    graph.model.metadata = [entry]
    image = graph.image if dtype == "float32" else graph.add("DEQUANTIZE", [graph.image], (1, 8, 8, 3))
    path.write_bytes(graph.classifier(image))
    return path


@pytest.mark.parametrize(
    ("mean", "deviation"), [((127.5,), (127.5,)), ((0.0,), (255.0,)), ((129.5,), (64.25,)), IMAGENET]
)
def test_pixels_enter_as_the_metadata_say(mean, deviation, tmp_path):
    model = load_model(model_file(tmp_path / "theirs.tflite", standard_metadata(mean, deviation)), LABELS)
    expected = (GRAY[0][..., None].astype(np.float64) - mean) / deviation
    np.testing.assert_allclose(model.prepare(GRAY[0])[0], np.broadcast_to(expected, (8, 8, 3)), atol=1e-5)
    assert model.range_is_known
    words = (
        f"(pixel - {', '.join(f'{one:g}' for one in mean)}) / {', '.join(f'{one:g}' for one in deviation)}"
    )
    assert f"pixels enter as {words}," in "\n".join(description_lines(describe(model)))


def test_who_names_a_range_is_heard(tmp_path):
    path = model_file(tmp_path / "theirs.tflite", standard_metadata((127.5,), (127.5,)))
    model = load_model(path, LABELS, pixel_range="0..1")
    np.testing.assert_allclose(model.prepare(GRAY[0])[0, ..., 0], GRAY[0] / 255, atol=1e-6)
    other = load_model(path, LABELS).with_pixel_range("0..255")
    assert (other.prepare(GRAY[0])[0, ..., 2] == GRAY[0]).all()


@pytest.mark.parametrize("mean", [0.0, 127.5])
def test_bytes_enter_as_their_scale_says(mean, tmp_path):
    """Metadata of quantized files give mean 0 and deviation 1, or those of the network before: the bytes are one."""
    content = standard_metadata((mean,), (mean or 1.0,))
    path = model_file(tmp_path / "theirs.tflite", content, "uint8", scale=1 / 127.5, zero_point=128)
    assert (load_model(path, LABELS).prepare(GRAY[0])[0, ..., 0] == GRAY[0]).all()


@pytest.mark.parametrize(
    "content",
    [
        standard_metadata((1.0, 2.0), (1.0, 2.0)),
        standard_metadata((0.0,), (0.0,)),
        standard_metadata((float("nan"),), (1.0,)),
        standard_metadata((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        standard_metadata((), ()),
        standard_metadata((127.5,), (127.5,), kind=2),
        standard_metadata((127.5,), (127.5,))[:60],
        b"no metadata",
    ],
)
def test_what_says_nothing_leaves_the_range_to_others(content, tmp_path):
    path = model_file(tmp_path / "theirs.tflite", content)
    assert not load_model(path, LABELS).range_is_known


def test_the_file_that_the_metadata_name_holds_the_labels_whatever_it_is_called(tmp_path):
    content = standard_metadata((0.0,), (255.0,), labels="expressions.txt")
    path = model_file(tmp_path / "theirs.tflite", content)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "\n".join(reversed(LABELS)))
        archive.writestr("expressions.txt", "\n".join(LABELS))
    assert load_model(path).labels == LABELS


def test_damaged_metadata_are_no_crash(tmp_path):
    content = standard_metadata((127.5,), (127.5,), labels="expressions.txt")
    structure = read_tflite(model_file(tmp_path / "theirs.tflite", content))
    whole = structure.metadata[STANDARD_NAME]
    for at in range(8, len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        theirs = replace(structure, metadata={STANDARD_NAME: damaged})
        assert isinstance(label_file(theirs), str)
        told = read_normalization(theirs)
        assert told is None or np.isfinite(told.numbers).all()
