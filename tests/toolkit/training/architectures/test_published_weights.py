"""Networks with published weights, out of packages like the published ones; the statistics of our faces."""

import io
import json
import tarfile

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="architectures need the [toolkit] extra")

from device.errors import EdgeError
from toolkit.data.synthesis import load_synthetic
from toolkit.models.cost import keras_cost
from toolkit.training.architectures import (
    build_network,
    face_mobilenet,
    face_resnet,
    load_pretrained,
)
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.renormalization import renormalize
from toolkit.training.student import Student

pytestmark = pytest.mark.toolkit
MODULES = {
    "face-resnet": face_resnet,
    "face-mobilenet": face_mobilenet,
}
RNG = np.random.default_rng(0)


def random_kernel(*shape):
    return RNG.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape)


def random_norm(channels, mean):
    return RNG.normal(mean, 0.1, channels)


def resnet_arrays():
    """Return random weights under the names and shapes of dlib's network."""
    arrays = {}
    widths = {"conv32_down": (7, 3, 32)}
    before = 32
    for name, width in face_resnet.BLOCKS:
        widths |= {f"{name}/conv1": (3, before, width), f"{name}/conv2": (3, width, width)}
        before = width
    for name, (side, channels, width) in widths.items():
        arrays[f"{name}/conv/filters"] = random_kernel(side, side, channels, width)
        for part, mean in (("conv/bias", 0), ("scale/weights", 1), ("scale/biases", 0)):
            arrays[f"{name}/{part}"] = random_norm(width, mean)
    return arrays


def mobilenet_arrays():
    """Return random weights under the names and shapes of the MobileNet that knows people."""
    arrays = {"conv1/convolution/merged_input": random_kernel(3, 3, 3, 32) / 50}
    arrays["conv1_bn/batchnorm_1/sub"] = random_norm(32, 0)
    before = 32
    for number, width in enumerate(face_mobilenet.WIDTHS[1:], start=1):
        arrays[f"conv_dw_{number}/depthwise_kernel"] = random_kernel(3, 3, 1, before).reshape(3, 3, before, 1)
        arrays[f"conv_dw_{number}_bn/batchnorm_1/mul"] = random_norm(before, 1)
        arrays[f"conv_dw_{number}_bn/batchnorm_1/sub"] = random_norm(before, 1)
        arrays[f"conv_pw_{number}/convolution/merged_input"] = random_kernel(1, 1, before, width)
        arrays[f"conv_pw_{number}_bn/batchnorm_1/sub"] = random_norm(width, 0.5)
        before = width
    return arrays


ARRAYS = {
    "face-resnet": resnet_arrays(),
    "face-mobilenet": mobilenet_arrays(),
}


def write_package(path, source, arrays, packed):
    """Write ``arrays`` as a package has them: as bytes with a scale and a least value if ``packed``, or as float32."""
    manifest, data = [], b""
    for name, values in arrays.items():
        entry = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        if packed:
            least, scale = float(values.min()), float(np.ptp(values)) / 255
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": least}
            data += np.round((values - least) / scale).astype(np.uint8).tobytes()
        else:
            data += values.astype(np.float32).tobytes()
        manifest.append(entry)
    groups = [{"weights": manifest}]
    content = groups if packed else {"format": "graph-model", "weightsManifest": groups}
    files = {source.manifest: json.dumps(content).encode(), source.weights: data}
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module", params=list(MODULES))
def package(request, tmp_path_factory):
    """The name of a network and a package of random weights for it."""
    path = tmp_path_factory.mktemp("package") / "package"
    source, arrays = MODULES[request.param].PACKAGE, ARRAYS[request.param]
    write_package(path, source, arrays, packed=request.param == "face-resnet")
    return request.param, path


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("face-resnet", 4.4e6, 134e6),
        ("face-mobilenet", 3.2e6, 239e6),
        ("face-mobilenet-192", 3.2e6, 412e6),
        ("face-compact", 0.818e6, 81e6),
        ("face-compact-192", 0.818e6, 144e6),
    ],
)
def test_the_comments_say_what_it_costs(name, parameters, macs):
    assert keras_cost(build_network(name, 7)) == pytest.approx((parameters, macs), rel=0.015)


def test_the_arrays_of_a_package_are_read_again(package):
    name, path = package
    read = MODULES[name].PACKAGE.read(path)
    assert set(read) == set(ARRAYS[name])
    for key, values in ARRAYS[name].items():
        tolerance = np.ptp(values) / 255 if name == "face-resnet" else 1e-6
        np.testing.assert_allclose(read[key], values, atol=tolerance)


def published_layer(name, arrays, layer, inputs, strides):
    """Return what the published network computes at ``layer`` from ``inputs``: convolution, scale and offset."""
    if name == "face-resnet":
        theirs = layer[:-2] + "/conv" + layer[-1] if layer[-2:] in ("_1", "_2") else layer
        theirs = layer if f"{theirs}/conv/filters" not in arrays else theirs
        kernel = arrays[f"{theirs}/conv/filters"]
        if kernel.shape[2] != inputs.shape[-1]:  # gray is red, green and blue alike
            inputs = np.repeat(inputs, kernel.shape[2], axis=3)
        convolved = keras.ops.conv(inputs, kernel, strides, "same") + arrays[f"{theirs}/conv/bias"]
        return convolved * arrays[f"{theirs}/scale/weights"] + arrays[f"{theirs}/scale/biases"]
    offset = arrays[f"{layer}_bn/batchnorm_1/sub"]
    if "_dw_" in layer:
        kernel = arrays[f"{layer}/depthwise_kernel"]
        convolved = keras.ops.depthwise_conv(inputs, kernel, strides, "same")
        return convolved * arrays[f"{layer}_bn/batchnorm_1/mul"] + offset
    kernel = arrays[f"{layer}/convolution/merged_input"]
    if layer == "conv1":  # red, green and blue, each without its own mean
        inputs = inputs + face_mobilenet.MEAN - face_mobilenet.CHANNEL_MEANS
    return keras.ops.conv(inputs, kernel, strides, "same") + offset


def test_every_convolution_computes_what_the_published_one_does(package):
    name, path = package
    arrays = MODULES[name].PACKAGE.read(path)
    model = load_pretrained(name, str(path))
    faces = load_synthetic().images[:4, ..., None].astype(np.float32)
    layers = [layer.name.removesuffix("_norm") for layer in model.layers if layer.name.endswith("_norm")]
    assert len(layers) == 27
    convolutions = [model.get_layer(f"{layer}_conv") for layer in layers]
    norms = [model.get_layer(f"{layer}_norm") for layer in layers]
    ends = [(convolution.input, norm.output) for convolution, norm in zip(convolutions, norms, strict=True)]
    found = keras.Model(model.input, ends).predict_on_batch(faces)
    for layer, convolution, (inputs, outputs) in zip(layers, convolutions, found, strict=True):
        wanted = np.asarray(published_layer(name, arrays, layer, inputs, convolution.strides))
        if layer == "conv1":  # beyond the right and lower edge it is black there, the mean of the three here
            wanted, outputs = wanted[:, :-1, :-1], outputs[:, :-1, :-1]
        np.testing.assert_allclose(outputs, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_a_face_enters_mobilenet_enlarged_and_without_its_mean():
    model = build_network("face-mobilenet", 7)
    face = np.full((1, 48, 48, 1), 200, np.float32)
    entered = keras.Model(model.input, model.get_layer("conv1_conv").input).predict_on_batch(face)
    assert entered.shape == (1, 144, 144, 1)
    np.testing.assert_allclose(entered, 200 - 114.799666, atol=1e-3)


def pooled_features(name, path):
    """Return the network of the package at ``path`` as a student has it, up to its features."""
    student = Student(TrainingRecipe(arch=name, dtype_policy="float32"), 7)
    student.start_from_backbone(load_pretrained(name, str(path)))
    student = student.network
    return keras.Model(student.input, student.get_layer("pool").output)


def in_training(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs, training=True))


def test_renormalized_it_answers_as_before_and_in_training_too(package):
    faces = load_synthetic().images[::7][:36]  # more than one batch of it
    inputs = faces[..., None].astype(np.float32)
    model = pooled_features(*package)
    before, weights = model.predict_on_batch(inputs), model.get_weights()
    assert np.abs(in_training(model, inputs) - before).max() > 0.2 * before.max()  # what it is there for
    model.set_weights(weights)
    renormalize(model, faces)
    tolerance = 1e-3 * before.max()
    np.testing.assert_allclose(model.predict_on_batch(inputs), before, atol=tolerance)
    np.testing.assert_allclose(in_training(model, inputs), before, atol=tolerance)


def test_a_network_that_has_statistics_already_answers_as_before():
    """ResNet50V2's layers have scale, offset and statistics of ImageNet; here random ones."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    model = build_network("resnet50v2", 7)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.set_weights([rng.uniform(0.5, 1.5, layer.gamma.shape) for _ in range(4)])
    faces = load_synthetic().images[::14][:8]
    before = model.predict_on_batch(faces[..., None].astype(np.float32))
    statistics = [layer.get_weights()[2] for layer in norms]
    renormalize(model, faces)
    after = model.predict_on_batch(faces[..., None].astype(np.float32))
    np.testing.assert_allclose(after, before, atol=1e-3 * np.abs(before).max())
    assert all(
        not np.allclose(layer.get_weights()[2], old) for layer, old in zip(norms, statistics, strict=True)
    )


def test_another_file_is_one_line_that_names_the_right_one(package, tmp_path):
    name, path = package
    source = MODULES[name].PACKAGE
    (tmp_path / "page").write_text("<html>not found</html>")
    (tmp_path / "cut").write_bytes(path.read_bytes()[:100_000])
    tarfile.open(tmp_path / "other", "w:gz").close()
    manifests = [b"null", b"5", b"[1]", b'[{"weights": null}]', b'{"weightsManifest": {"a": 1}}', b"[" * 200_000,
                 b'[{"weights": [{"name": "a", "shape": [-1], "dtype": "float32"}]}]']  # fmt: skip
    for number, manifest in enumerate(manifests):
        with tarfile.open(tmp_path / f"manifest{number}", "w:gz") as odd:
            for member, content in ((source.manifest, manifest), (source.weights, bytes(64))):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                odd.addfile(info, io.BytesIO(content))
    cases = {
        f"manifest{number}": "does not hold the published weights" for number in range(len(manifests))
    } | {
        "page": "does not hold the published weights",
        "cut": "does not hold the published weights",
        "other": f"does not hold the published weights .*{source.manifest}",
        "absent": "no weights file at",
    }
    for file, message in cases.items():
        with pytest.raises(EdgeError, match=message) as raised:
            load_pretrained(name, str(tmp_path / file))
        assert source.package in str(raised.value)
        assert "\n" not in str(raised.value)
