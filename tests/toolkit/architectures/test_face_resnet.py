"""dlib's face network: weights out of a package like the published one, and the statistics of our faces."""

import io
import json
import tarfile

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="architectures need the [toolkit] extra")

from device.errors import EdgeError
from toolkit.architectures import get_architecture, load_pretrained
from toolkit.architectures.face_resnet import BACKBONE
from toolkit.architectures.face_weights import MANIFEST, PACKAGE_URL, WEIGHTS, read_package
from toolkit.data.synthesis import load_synthetic
from toolkit.evaluation.cost import keras_cost
from toolkit.training.renormalization import renormalize
from toolkit.training.student import start_from_backbone

pytestmark = pytest.mark.toolkit
FACE_RESNET = get_architecture("face-resnet")


def write_package(path, arrays):
    """Write float arrays as the package has them: bytes with a scale and a least value; 'plain' as float32."""
    manifest, data = [], b""
    for name, values in arrays.items():
        entry = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        if name == "plain":
            data += values.astype(np.float32).tobytes()
        else:
            least, scale = float(values.min()), float(np.ptp(values)) / 255
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": least}
            data += np.round((values - least) / scale).astype(np.uint8).tobytes()
        manifest.append(entry)
    files = {MANIFEST: json.dumps([{"weights": manifest}]).encode(), WEIGHTS: data}
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package of random weights under the published names and shapes."""
    rng = np.random.default_rng(0)
    model = FACE_RESNET.build(1)
    arrays = {}
    for ours, theirs in BACKBONE.layers:
        kernel = model.get_layer(f"{ours}_conv").kernel
        channels = 3 if ours == "conv32_down" else kernel.shape[2]
        shape = (*kernel.shape[:2], channels, kernel.shape[3])
        arrays[f"{theirs}/conv/filters"] = rng.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape)
        for name, mean in (("conv/bias", 0), ("scale/weights", 1), ("scale/biases", 0)):
            arrays[f"{theirs}/{name}"] = rng.normal(mean, 0.1, shape[3])
    arrays["plain"] = rng.normal(size=(3, 2))
    path = tmp_path_factory.mktemp("package") / "face-api.tgz"
    write_package(path, arrays)
    return path, arrays


def test_the_docstring_says_what_it_costs():
    parameters, macs = keras_cost(FACE_RESNET.build(7))
    assert parameters == pytest.approx(4.4e6, rel=0.01)
    assert macs == pytest.approx(134e6, rel=0.01)


def test_bytes_become_the_weights_again(package):
    path, arrays = package
    read = read_package(path)
    assert set(read) == set(arrays)
    for name, values in arrays.items():
        np.testing.assert_allclose(read[name], values, atol=np.ptp(values) / 255)
    np.testing.assert_allclose(read["plain"], arrays["plain"], rtol=1e-6)


def test_every_convolution_computes_what_the_published_one_does(package):
    path, _ = package
    read = read_package(path)
    model = load_pretrained(FACE_RESNET, str(path))
    faces = load_synthetic().images[:4, ..., None].astype(np.float32)
    assert len(BACKBONE.layers) == 27
    for ours, theirs in BACKBONE.layers:
        layer, norm = model.get_layer(f"{ours}_conv"), model.get_layer(f"{ours}_norm")
        inputs, outputs = keras.Model(model.input, [layer.input, norm.output]).predict_on_batch(faces)
        kernel = read[f"{theirs}/conv/filters"]
        if kernel.shape[2] != inputs.shape[-1]:  # gray is red, green and blue alike
            inputs = np.repeat(inputs, kernel.shape[2], axis=3)
        convolved = keras.ops.conv(inputs, kernel, layer.strides, "same") + read[f"{theirs}/conv/bias"]
        wanted = convolved * read[f"{theirs}/scale/weights"] + read[f"{theirs}/scale/biases"]
        np.testing.assert_allclose(outputs, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def pooled_features(path):
    """Return the network of the package at ``path`` as a student has it, up to its features."""
    student = FACE_RESNET.build(7)
    start_from_backbone(student, load_pretrained(FACE_RESNET, str(path)))
    return keras.Model(student.input, student.get_layer("pool").output)


def in_training(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs, training=True))


def test_renormalized_it_answers_as_before_and_in_training_too(package):
    faces = load_synthetic().images[::7][:64]
    inputs = faces[..., None].astype(np.float32)
    model, other = pooled_features(package[0]), pooled_features(package[0])
    before = model.predict_on_batch(inputs)
    assert np.abs(in_training(other, inputs) - before).max() > 0.2 * before.max()  # what it is there for
    renormalize(model, faces)
    tolerance = 1e-3 * before.max()
    np.testing.assert_allclose(model.predict_on_batch(inputs), before, atol=tolerance)
    np.testing.assert_allclose(in_training(model, inputs), before, atol=tolerance)


def test_a_network_that_has_statistics_already_answers_as_before():
    """ResNet50V2's layers have scale, offset and statistics of ImageNet; here random ones."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    model = get_architecture("resnet50v2").build(7)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.set_weights([rng.uniform(0.5, 1.5, layer.gamma.shape) for _ in range(4)])
    faces = load_synthetic().images[::14][:32]
    before = model.predict_on_batch(faces[..., None].astype(np.float32))
    statistics = [layer.get_weights()[2] for layer in norms]
    renormalize(model, faces)
    after = model.predict_on_batch(faces[..., None].astype(np.float32))
    np.testing.assert_allclose(after, before, atol=1e-3 * np.abs(before).max())
    assert all(
        not np.allclose(layer.get_weights()[2], old) for layer, old in zip(norms, statistics, strict=True)
    )


def test_another_file_is_one_line_that_names_the_right_one(package, tmp_path):
    (tmp_path / "page.tgz").write_text("<html>not found</html>")
    (tmp_path / "cut.tgz").write_bytes(package[0].read_bytes()[:100_000])
    with tarfile.open(tmp_path / "other.tgz", "w:gz"):
        pass
    cases = {
        "page.tgz": "holds no weights of a face recognition network",
        "cut.tgz": "holds no weights of a face recognition network",
        "other.tgz": f"holds no weights of a face recognition network .*{MANIFEST}",
        "absent.tgz": "no weights file at",
    }
    for file, message in cases.items():
        with pytest.raises(EdgeError, match=message) as raised:
            load_pretrained(FACE_RESNET, str(tmp_path / file))
        assert PACKAGE_URL in str(raised.value)
        assert "\n" not in str(raised.value)
