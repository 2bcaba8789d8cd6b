"""Our .keras files: stock Keras loads them; damaged, foreign and unsafe ones are one line."""

import os
import zipfile

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
h5py = pytest.importorskip("h5py")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model, read_keras_metadata, save_model
from toolkit.models.network import open_network

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def model():
    image = keras.Input((8, 8, 1))
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))


@pytest.fixture
def saved(model, tmp_path):
    save_model(model, tmp_path / "m.keras", {"labels": ["a", "b", "c"], "crop_margin": 1.2})
    return tmp_path / "m.keras"


def test_metadata_comes_back_and_stock_keras_loads_the_file(saved, model):
    assert read_keras_metadata(saved) == {"labels": ["a", "b", "c"], "crop_margin": 1.2}
    image = np.random.default_rng(0).random((2, 8, 8, 1), dtype=np.float32)
    stock = keras.models.load_model(saved)
    assert np.array_equal(stock(image), model(image))
    assert np.array_equal(load_keras_model(saved)(image), model(image))


def test_an_existing_file_stays_unless_told(saved, model):
    before = saved.read_bytes()
    with pytest.raises(EdgeError, match="`overwrite`"):
        save_model(model, saved, {})
    assert saved.read_bytes() == before
    save_model(model, saved, {"labels": []}, overwrite=True)
    assert read_keras_metadata(saved) == {"labels": []}
    assert [path.name for path in saved.parent.iterdir()] == ["m.keras"]


def test_a_stock_file_has_no_metadata(model, tmp_path):
    model.save(tmp_path / "stock.keras")
    assert read_keras_metadata(tmp_path / "stock.keras") is None


def test_a_file_that_lost_its_end_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-300])
    with pytest.raises(EdgeError, match="cut short"):
        load_keras_model(saved)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_is_named_and_never_run(tmp_path, suffix):
    witness = tmp_path / "ran"
    image = keras.Input((8, 8, 1))

    def payload(x, path=str(witness)):
        import pathlib

        pathlib.Path(path).write_text("ran")
        return x

    hidden = keras.layers.Lambda(payload, name="innocent")(image)
    keras.Model(image, keras.layers.Flatten()(hidden)).save(tmp_path / f"m{suffix}")
    witness.unlink()
    with pytest.raises(EdgeError, match=r"Python code in the layer innocent \(Lambda\), which is not run"):
        load_keras_model(tmp_path / f"m{suffix}")
    assert not witness.exists()


def test_a_custom_class_is_named(tmp_path):
    class Swirl(keras.layers.Layer):
        def call(self, x):
            return x

    image = keras.Input((8, 8, 1))
    keras.Model(image, Swirl(name="first")(image)).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"custom class Swirl \(first\)"):
        load_keras_model(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("written", "kind", "said"),
    [
        ('"LeakyReLU"', '"Addons>Swirl"', r"custom class Addons>Swirl \(first\), .*model\.export"),
        ('"LeakyReLU"', '"PruneLowMagnitude"', r"custom class PruneLowMagnitude \(first\), .*strip_pruning"),
        ('"LeakyReLU"', '"QuantizeLayer"', r"custom class QuantizeLayer \(first\), .*TFLiteConverter"),
        ('"softmax"', '"swirl"', r"custom function swirl, not part of Keras; .*model\.export"),
    ],
)
def test_a_class_or_function_of_another_package_is_named_with_the_way_out(tmp_path, written, kind, said):
    path, image = tmp_path / "m.h5", keras.Input((8, 8, 1))
    hidden = keras.layers.Flatten()(keras.layers.LeakyReLU(name="first")(image))
    keras.Model(image, keras.layers.Dense(2, activation="softmax")(hidden)).save(path)
    with h5py.File(path, "r+") as file:
        assert written in file.attrs["model_config"]
        file.attrs["model_config"] = file.attrs["model_config"].replace(written, kind)
    with pytest.raises(EdgeError, match=said):
        load_keras_model(path)


def test_a_network_of_a_class_that_is_registered_here_is_told_what_to_build(tmp_path):
    """From Python, in a notebook: from a command its class is not known."""

    @keras.saving.register_keras_serializable("of_a_test")
    class Net(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.pool, self.dense = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)

        def call(self, x):
            return self.dense(self.pool(x))

    network = Net()
    network(np.zeros((1, 8, 8, 1), np.float32))
    network.save(tmp_path / "m.keras")
    with pytest.raises(
        EdgeError, match=r"is a Net, a subclass of keras\.Model .* keras\.Model\(inputs, outputs\)"
    ):
        open_network(tmp_path / "m.keras", ("a", "b", "c"))


@pytest.mark.parametrize("nested", [False, True])
def test_a_sequential_without_an_input_shape_is_told_so(tmp_path, nested):
    network = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    network = keras.Sequential([network]) if nested else network
    network.save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"m\.keras has no input shape; begin it with keras\.Input"):
        open_network(tmp_path / "m.keras", ("a", "b", "c"))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_another_precision_is_rebuilt_in_float32_with_the_same_weights(tmp_path, policy, suffix):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((8, 8, 1))
        x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
        x = keras.layers.BatchNormalization()(x)
        trained = keras.Model(image, keras.layers.Dense(3, dtype="float32")(keras.layers.Flatten()(x)))
        trained.save(tmp_path / f"m{suffix}")
    finally:
        keras.config.set_dtype_policy("float32")
    opened = load_keras_model(tmp_path / f"m{suffix}")
    assert {weight.dtype for weight in opened.weights} == {"float32"}
    assert {layer.compute_dtype for layer in opened.layers} == {"float32"}
    for before, after in zip(trained.weights, opened.weights, strict=True):
        assert np.array_equal(np.asarray(before, np.float32), np.asarray(after))
    faces = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype(np.float32)
    assert np.asarray(opened(faces)) == pytest.approx(np.asarray(trained(faces), np.float32), abs=0.02)


def test_what_keras_quantized_itself_is_refused_with_the_way_out(tmp_path):
    image = keras.Input((8, 8, 1))
    quantized = keras.Model(image, keras.layers.Dense(3, name="last")(keras.layers.Flatten()(image)))
    quantized.quantize("int8")
    quantized.save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"quantized by Keras itself \(last\).*before model\.quantize"):
        load_keras_model(tmp_path / "m.keras")


def test_metadata_that_is_no_object_or_huge_is_one_line(saved, tmp_path):
    for content, message in (
        ("[1]", "is no JSON object"),
        ("[" * 5000, "nests deeper"),
        ('{"a":' + "9" * 400 + "}", "digits"),
    ):
        with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
            archive.writestr("fer_edge.json", content)
        with pytest.raises(EdgeError, match=message):
            read_keras_metadata(tmp_path / "x.keras")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_compiled_network_inside_another_is_opened_without_its_compilation(tmp_path, suffix):
    """A trained classifier with a softmax set behind it, as TensorFlow's first tutorial does."""
    image = keras.Input((8, 8, 1))
    trained = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    trained.compile("adam", "mse")
    trained.fit(np.zeros((2, 8, 8, 1)), np.zeros((2, 3)), verbose=0)
    whole = keras.Sequential([keras.Input((8, 8, 1)), trained, keras.layers.Softmax()])
    whole.save(tmp_path / f"m{suffix}")
    face = np.random.default_rng(0).random((1, 8, 8, 1), np.float32)
    opened = load_keras_model(tmp_path / f"m{suffix}")
    assert np.allclose(opened.predict(face, verbose=0), whole.predict(face, verbose=0))


@pytest.mark.parametrize("wrap", [lambda tensor: {"emotion": tensor}, lambda tensor: [tensor]])
def test_an_output_in_a_dictionary_or_a_list_is_that_output(tmp_path, wrap):
    image = keras.Input((8, 8, 1))
    scores = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(image))
    keras.Model(wrap(image), wrap(scores)).save(tmp_path / "m.keras")
    network = open_network(tmp_path / "m.keras", ("happy", "sad"), "0..1")
    assert network.predict(np.zeros((1, 8, 8), np.uint8)).shape == (1, 2)


def several_heads(*counts):
    image = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(image)
    heads = [keras.layers.Dense(count, activation="softmax") for count in counts]
    return keras.Model(image, [head(flat) for head in heads])


@pytest.mark.parametrize("saved", ["m.keras", "folder"])
def test_of_several_heads_the_one_with_as_many_outputs_as_labels_is_taken(tmp_path, saved):
    model = several_heads(1, 2, 7)
    if saved == "folder":
        model.export(tmp_path / saved, verbose=False)
    else:
        model.save(tmp_path / saved)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    network = open_network(tmp_path / saved, tuple("abcdefg"), "0..1")
    expected = model.predict(images[..., None] / 255, verbose=0)[2]
    np.testing.assert_allclose(network.predict(images), expected, atol=1e-5)
    with pytest.raises(EdgeError, match="pass `labels` with as many names as the output to take has numbers"):
        open_network(tmp_path / saved, tuple("abcde"))


def test_a_head_of_one_sigmoid_is_that_of_two_labels(tmp_path):
    image = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(image)
    heads = [keras.layers.Dense(count, activation="sigmoid")(flat) for count in (1, 7)]
    model = keras.Model(image, heads)
    model.save(tmp_path / "m.keras")
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    second = open_network(tmp_path / "m.keras", ("no", "yes"), "0..1").predict(images)[:, 1]
    np.testing.assert_allclose(second, model.predict(images[..., None] / 255, verbose=0)[0][:, 0], atol=1e-5)


def test_heads_that_are_alike_other_inputs_and_channels_are_told_how_to_be_one(tmp_path):
    several_heads(7, 7).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"keep the output with the expressions, .*outputs\[0\]\), and save"):
        open_network(tmp_path / "m.keras", tuple("abcdefg"))
    image, points = keras.Input((8, 8, 1)), keras.Input((10,))
    both = keras.layers.Concatenate()([keras.layers.Flatten()(image), points])
    keras.Model([image, points], keras.layers.Dense(7)(both)).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match="picture alone: train it without the other inputs"):
        open_network(tmp_path / "m.keras", tuple("abcdefg"))
    layers = [keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(7)]
    keras.Sequential(layers).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match="; train it on pictures of one channel"):
        open_network(tmp_path / "m.keras", tuple("abcdefg"))


@pytest.mark.parametrize("shape", [(8, 8), (64,)])
def test_a_network_of_pixels_without_channels_is_told_how_to_take_an_image(tmp_path, shape):
    image = keras.Input(shape)
    keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image))).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"no image classifier.*keras\.layers\.Reshape\(\("):
        open_network(tmp_path / "m.keras", ("happy", "sad"))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_activations_of_tensorflow_and_any_name_of_the_network_are_read(tmp_path, suffix):
    image = keras.Input((8, 8, 1))
    first = keras.layers.Dense(5, activation=tf.nn.silu)(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(3, activation=tf.nn.softmax)(first), name="Gefühle 2")
    model.save(tmp_path / f"m{suffix}")
    faces = np.random.default_rng(0).random((3, 8, 8, 1), np.float32)
    opened = load_keras_model(tmp_path / f"m{suffix}")
    np.testing.assert_allclose(opened.predict(faces, verbose=0), model(faces), atol=1e-6)


@pytest.mark.parametrize("operation", [lambda x: x / 127.5, lambda x: x - 1.0], ids=["unknown", "as a layer"])
def test_operations_that_keras_does_not_read_from_h5_are_told_the_other_format(tmp_path, operation):
    image = keras.Input((8, 8, 1))
    network = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(operation(image))))
    network.save(tmp_path / "m.h5")
    with pytest.raises(
        EdgeError, match=r"does not read from it; save the network as model.save\('model.keras'\)"
    ):
        load_keras_model(tmp_path / "m.h5")
    network.save(tmp_path / "m.keras")
    load_keras_model(tmp_path / "m.keras")
