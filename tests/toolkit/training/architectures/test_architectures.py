"""One contract over every architecture: shapes, the layers that training and export rely on, a real gradient step."""

import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="architectures need the [toolkit] extra")

from device.errors import EdgeError
from toolkit.training.architectures import ARCHITECTURES, build_network
from toolkit.training.architectures.face_mobilenet import (
    COMPACT_WIDTHS,
    build_mobilenet,
    kernel_of_half_the_side,
)
from toolkit.training.pruning import can_prune
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.student import Student

pytestmark = pytest.mark.toolkit
FAST = TrainingRecipe(arch="face-fast", dtype_policy="float32")
# What docstrings and comments say, to the rounding it uses.
PARAMETERS = {
    "compact": 853_000,
    "wide": 2_119_000,
    "fully-connected": 624_000,
    "plain-cnn": 1_275_000,
    "mini-xception": 56_000,
    "separable": 232_000,
    "small": 924_000,
    "face-resnet": 4_402_000,
    "face-compact": 818_000,
    "vgg16": 14_718_000,
}
# Built and exported in test_transfer.py and below; the last four are face-compact in another width or size of picture.
SLOW_TO_TRAIN = (
    "resnet50v2",
    "efficientnetv2b0",
    "face-mobilenet",
    "face-mobilenet-192",
    "face-compact-192",
    "face-fast",
)
FACES = np.random.default_rng(0).integers(0, 256, (24, 48, 48, 1)).astype(np.float32)


def few_faces(model):
    """As few faces as a step of ``model`` takes.

    TensorFlow 2.21 corrupts memory in the gradient of a depthwise layer when so few faces are shared out unevenly among
    the cores (6 on four, 8 on three); 24 can be shared evenly among 1, 2, 3, 4, 6, 8 and 12.
    """
    depthwise = keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D
    layers = model._flatten_layers(include_self=False)
    return FACES if any(isinstance(layer, depthwise) for layer in layers) else FACES[:4]


def answers(model, faces):
    """What ``model`` says of ``faces``, layer by layer: to trace a graph would take longer."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(faces, training=False))


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in SLOW_TO_TRAIN])
def test_every_architecture_keeps_the_contract(name):
    recipe = TrainingRecipe(arch=name, dtype_policy="float32", label_smoothing=0.0)
    whole = Student(recipe, class_count=4, vote_count=10)
    assert whole.network.name == name
    student = whole.model
    faces = few_faces(student)
    count = len(faces)
    logits, votes = answers(student, faces)
    assert logits.shape == (count, 4)
    assert votes.shape == (count, 10)
    targets = [np.eye(4, dtype=np.float32)[np.arange(count) % 4], np.full((count, 10), 0.1, np.float32)]
    before = [weight.copy() for weight in student.get_weights()]
    assert np.isfinite(student.train_on_batch(faces, targets, return_dict=True)["loss"])
    assert any(not np.array_equal(old, new) for old, new in zip(before, student.get_weights(), strict=True))

    exported = whole.export(temperature=2.0)
    assert exported.input_shape == (None, 48, 48, 1)
    assert exported.count_params() == pytest.approx(PARAMETERS[name], rel=0.02)
    logits = answers(student, faces)[0] / 2.0
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers(exported, faces), shares, atol=1e-5)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(
        EdgeError,
        match="arch is 'vgg', no architecture; there are: compact, small, face-compact, face-fast, wide",
    ):
        build_network("vgg", 7)


def test_the_list_sets_every_name_apart_from_what_it_is():
    command = [sys.executable, "-m", "toolkit", "train", "--list-archs"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*ARCHITECTURES, "FILE.py[:build]"]
    summaries = [architecture.summary for architecture in ARCHITECTURES.values()]
    assert (
        len({line.index(summary) for line, summary in zip(lines[:-1], summaries, strict=True)}) == 1
    )  # one column


def test_the_face_that_is_not_enlarged_is_seen_as_if_it_were():
    enlarged = build_mobilenet("enlarged", 96, COMPACT_WIDTHS, 0.0, 7)
    student = Student(FAST, 7)
    student.start_from(enlarged, list(range(7)))
    fast = student.network
    after_first = [
        keras.Model(model.input, model.get_layer("conv1_norm").output) for model in (enlarged, fast)
    ]
    expected, seen = (model.predict_on_batch(FACES) for model in after_first)
    # Beyond its last pixel an enlarged face is repeated, this one is not.
    np.testing.assert_allclose(seen[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-2)
    assert np.abs(expected).max() > 10
    again = Student(FAST, 7)
    again.start_from(fast, list(range(7)))
    for own, theirs in zip(again.network.get_weights(), fast.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_a_network_that_enlarges_gives_a_student_that_does_not_its_weights_whole():
    trained, student = build_mobilenet("enlarged", 96, COMPACT_WIDTHS, 0.0, 7), Student(FAST, 7)
    assert not can_prune(trained, student.body)
    student.start_from(trained, list(range(7)))
    first = student.network.get_layer("conv1_conv").get_weights()[0]
    np.testing.assert_allclose(first, kernel_of_half_the_side(trained.get_weights()[0]))
    exported = student.export(temperature=2.0)
    assert exported.count_params() == pytest.approx(818_000, rel=0.02)
    np.testing.assert_allclose(exported.predict_on_batch(FACES).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("arch", ["face-resnet", "vgg16"])
def test_another_network_that_enlarges_is_told_apart(arch):
    with pytest.raises(EdgeError, match=f"`init` is of another architecture: {arch} .* face-fast expects"):
        Student(FAST, 7).start_from(build_network(arch, 7), [])
