"""Networks of the user's own: trained, saved, opened again; and those that cannot be, refused before an epoch."""

import io
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="architectures need the [toolkit] extra")

from device.errors import EdgeError
from toolkit.models.network import RESCALES, open_network
from toolkit.models.predictors import load_predictor
from toolkit.training.architectures import build_network, short_name
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest
from toolkit.training.student import Student

from ..conftest import RECIPE, run

pytestmark = pytest.mark.toolkit
FACES = np.random.default_rng(0).integers(0, 256, (24, 48, 48, 1)).astype(np.float32)

NETWORKS = {
    "softmax": """
def build(class_count):
    return keras.Sequential([
        keras.Input((48, 48, 1)), layers.Rescaling(1 / 255), layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.BatchNormalization(), layers.Flatten(), layers.Dense(class_count, activation="softmax")])
""",
    "softmax_layer_on_three_channels_of_96_pixels": """
def build(class_count):
    image = keras.Input((96, 96, 3))
    x = layers.Conv2D(8, 5, strides=4, activation="relu")(image / 127.5 - 1)
    x = layers.Dense(class_count)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Softmax()(x))
""",
    "logits_without_rescaling_of_32_pixels": """
def build(class_count):
    return keras.Sequential([keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(class_count)])
""",
    "compiled_for_another_training": """
def build(class_count):
    model = keras.Sequential([keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(class_count)])
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), ["accuracy"])
    return model
""",
    "softmax_operation": """
def build(class_count):
    image = keras.Input((48, 48, 1))
    scores = layers.Dense(class_count)(layers.Flatten()(layers.AveragePooling2D(4)(image / 255.0)))
    return keras.Model(image, keras.ops.softmax(scores / 2.0))
""",
    "a_model_inside_a_model": """
def build(class_count):
    inner = keras.Sequential([keras.Input((48, 48, 1)), layers.Conv2D(8, 3, strides=4), layers.BatchNormalization(),
                              layers.ReLU(), layers.GlobalAveragePooling2D()])
    return keras.Sequential([keras.Input((48, 48, 1)), layers.Rescaling(1 / 255), inner,
                             keras.Sequential([keras.Input((8,)), layers.Dense(class_count, activation="softmax")])])
""",
    "no_dense_layer": """
def build(class_count):
    image = keras.Input((48, 48, 1))
    x = layers.Conv2D(class_count, 5, strides=4)(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.GlobalAveragePooling2D()(x))
""",
}
HEAD = "import keras\nfrom keras import layers\n"


def write(tmp_path, body):
    path = tmp_path / "my_net.py"
    path.write_text(HEAD + body)
    return str(path)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_of_ones_own_learns_and_is_saved_as_it_answers(tmp_path, kind):
    arch = write(tmp_path, NETWORKS[kind])
    keras.utils.set_random_seed(0)
    student = Student(TrainingRecipe(arch=arch, dtype_policy="float32"), 4, vote_count=10)
    inputs = student.inputs(FACES)
    targets = np.eye(4, dtype=np.float32)[np.arange(24) % 4]
    votes = [np.full((24, 10), 0.1, np.float32)] if student.has_votes else []
    before = student.body.get_weights()
    student.model.train_on_batch(inputs, [targets, *votes] if votes else targets)
    assert not any(
        np.array_equal(*pair) for pair in zip(before[-1:], student.body.get_weights()[-1:], strict=True)
    )
    logits = np.asarray(student.body.predict_on_batch(inputs)) / 2
    assert not np.allclose(logits.sum(axis=1), 0.5)  # no softmax is left
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    exported = student.export(temperature=2.0)
    np.testing.assert_allclose(exported.predict_on_batch(inputs), shares, atol=1e-4)
    assert exported.name == "my_net"


def test_the_proof_chain_works_for_it(stripes, tmp_path, forked_toolkit):
    arch = write(tmp_path, NETWORKS["softmax_layer_on_three_channels_of_96_pixels"])
    result = run(
        TrainingRequest(stripes, tmp_path / "one", replace(RECIPE, arch=arch, learning_rate=0.02, epochs=8))
    )
    assert result.report.accuracy >= 0.9
    small = tmp_path / "small.tflite"
    done = forked_toolkit("quantize", "--model", result.model, "--data", stripes, "--out", small)
    assert done.returncode == 0, done.stderr
    done = forked_toolkit(
        "evaluate", "--model", small, "--data", stripes, "--split", "validation", "--out", tmp_path / "e.json"
    )
    assert done.returncode == 0, done.stderr
    published = ("--results", tmp_path / "e.json", "--license", "mit", "--out", tmp_path / "published")
    done = forked_toolkit("publish", "--model", small, *published)
    assert done.returncode == 0, done.stderr
    for path in (result.model, *(tmp_path / "published").iterdir()):
        assert not names_a_place(path.read_bytes(), tmp_path), path
    faces = np.random.default_rng(1).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    exact, quantized = (load_predictor(path).predict(faces) for path in (result.model, small))
    np.testing.assert_allclose(quantized, exact, atol=0.05)


def names_a_place(content, folder):
    """Return whether bytes, or what an archive at their end holds, name ``folder`` or this machine's Python."""
    places = [str(folder).encode(), sys.prefix.encode()]
    held = [content]
    if zipfile.is_zipfile(io.BytesIO(content)):
        archive = zipfile.ZipFile(io.BytesIO(content))
        held += [archive.read(name) for name in archive.namelist()]
    return any(place in one for place in places for one in held)


BEGINNINGS = {
    "augmented, then scaled by operations": (
        "keras.applications.mobilenet_v2.preprocess_input(layers.RandomFlip()(image))", -1.0
    ),
    "scaled by a layer": ("layers.Rescaling(1 / 127.5, -1)(image)", -1.0),
    "three channels by an operation": ("keras.ops.repeat(image[..., :1], 3, axis=-1)", 0.0),
    "nothing": ("image", 0.0),
}  # fmt: skip


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_network_gets_0_to_1_unless_it_scales_pixels_itself(tmp_path, beginning):
    """Its logits are the mean of what enters the first layer that learns."""
    first, black = BEGINNINGS[beginning]
    body = f"""
def build(class_count):
    image = keras.Input((48, 48, 3))
    x = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(1, depthwise_initializer="ones")({first}))
    return keras.Model(image, layers.Dense(class_count, kernel_initializer=keras.initializers.Constant(1 / 3))(x))
"""
    model = build_network(write(tmp_path, body), 4)
    faces = np.stack([np.zeros((48, 48, 3)), np.full((48, 48, 3), 255.0)])
    np.testing.assert_allclose(model.predict_on_batch(faces), [[black] * 4, [1.0] * 4], atol=1e-5)
    model.save(tmp_path / "m.keras")
    assert open_network(tmp_path / "m.keras", ("a", "b", "c", "d")).range_from == RESCALES


def test_a_keras_file_starts_from_its_own_weights(tmp_path):
    model = build_network(write(tmp_path, NETWORKS["softmax"]), 4)
    model.save(tmp_path / "bare.keras")
    student = Student(TrainingRecipe(arch=str(tmp_path / "bare.keras"), dtype_policy="float32"), 4)
    np.testing.assert_allclose(
        student.export(1.0).predict_on_batch(FACES), model.predict_on_batch(FACES), atol=1e-5
    )


def test_another_function_may_build_it(tmp_path):
    arch = write(tmp_path, NETWORKS["softmax"].replace("def build(", "def other("))
    assert build_network(f"{arch}:other", 4).output_shape == (None, 4)
    assert short_name(f"{arch}:other") == "my_net"
    with pytest.raises(EdgeError, match=r"has no function build; expected build\(class_count\)"):
        build_network(arch, 4)


CUSTOM = """
class Mine(layers.Layer):
    def call(self, x):
        return x
def build(class_count):
    return keras.Sequential([keras.Input((48, 48, 1)), Mine(), layers.Flatten(), layers.Dense(class_count)])
"""
SEQUENTIAL = "def build(class_count):\n    return keras.Sequential([{}])\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def build(class_count):\n    return 3\n", "gives a int; expected a Keras model"),
        ("def build(class_count):\n    1 / 0\n", "cannot build its network: ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", "cannot build its network: SystemExit: 3"),
        (
            SEQUENTIAL.format("keras.Input(batch_shape=(8, 48, 48, 1)), layers.Flatten(), layers.Dense(4)"),
            r"shape \(8, 48, 48, 1\); expected \(None, height, width, 1 or 3\)",
        ),
        (
            SEQUENTIAL.format("keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(4, trainable=False)"),
            "has nothing that learns",
        ),
        ("import nowhere\n", "cannot build its network: ModuleNotFoundError: No module named 'nowhere'"),
        (SEQUENTIAL.format("layers.Dense(class_count)"), "has no input shape"),
        (
            SEQUENTIAL.format("keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(5)"),
            "has 5 outputs for 4 classes",
        ),
        (SEQUENTIAL.format("keras.Input((48,)), layers.Dense(class_count)"), "is no image classifier"),
        (
            SEQUENTIAL.format(
                "keras.Input((None, None, 1)), layers.GlobalAveragePooling2D(), layers.Dense(4)"
            ),
            r"expected \(None, height, width, 1 or 3\)",
        ),
        (
            SEQUENTIAL.format(
                "keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(4, activation='sigmoid')"
            ),
            "ends in sigmoids",
        ),
        (
            "def build(class_count):\n    image = keras.Input((8, 8, 1))\n"
            "    return keras.Model(image, keras.ops.sigmoid(layers.Dense(4)(layers.Flatten()(image))))\n",
            "ends in sigmoids",
        ),
        (
            SEQUENTIAL.format(
                "keras.Input((48, 48, 1)), layers.Conv2D(2, 3), layers.Activation('glu'), layers.Flatten(), "
                "layers.Dense(class_count)"
            ),
            r"does not compute: Input 0 [^[]{,200}; mend its layers",  # half as many channels leave glu as Keras counts
        ),
        (
            "def build(class_count):\n    image = keras.Input((8, 8, 1))\n"
            "    return keras.Model(image, layers.Dense(4)(layers.Flatten()(image / 255)) / 0)\n",
            "answers NaN or infinity to random pixels: it divides by zero",
        ),
        (CUSTOM, "has the layer mine of the class Mine, whose code"),
        (
            "class M(keras.Model):\n    pass\ndef build(class_count):\n    return M()\n",
            "is a subclass of keras.Model",
        ),
    ],
)
def test_what_cannot_be_trained_is_one_line_before_an_epoch(tmp_path, body, message):
    with pytest.raises(EdgeError, match=message) as raised:
        build_network(write(tmp_path, body), 4)
    assert "\n" not in str(raised.value)


def test_an_installed_package_brings_an_architecture(tmp_path, monkeypatch):
    (tmp_path / "bring_net.py").write_text(HEAD + NETWORKS["softmax"])
    info = tmp_path / "bring_net-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bring-net\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fer_edge.architectures]\nbrought = bring_net:build\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert build_network("brought", 4).output_shape == (None, 4)
    monkeypatch.delitem(sys.modules, "bring_net")


def test_the_saved_file_holds_no_path_of_the_users(stripes, tmp_path):
    arch = write(tmp_path, NETWORKS["softmax"])
    model = run(TrainingRequest(stripes, tmp_path / "one", replace(RECIPE, arch=arch, epochs=1))).model
    with zipfile.ZipFile(model) as archive:
        assert str(tmp_path) not in archive.read("fer_edge.json").decode()


@pytest.mark.parametrize("name", ["gone.py", "gone.py:build", "gone.keras"])
def test_a_file_that_is_not_there_is_told_before_the_data_are_read(tmp_path, name):
    request = TrainingRequest(
        tmp_path / "no_data", tmp_path / "out", replace(RECIPE, arch=str(tmp_path / name))
    )
    with pytest.raises(EdgeError, match=r"no architecture at .*gone"):
        run(request)
