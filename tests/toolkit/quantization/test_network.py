"""Any Keras classifier in: what it expects is read, guessed with proof, or asked for."""

import keras
import numpy as np
import pytest
from keras import layers

from device.errors import EdgeError
from device.model.expression_model import load_model
from device.service.model_store import install_model
from device.storage import HOME_VARIABLE
from toolkit.models.keras_file import load_keras_model, save_model
from toolkit.models.network import open_network
from toolkit.quantization.conversion.recipe import recipe_named
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.run import open_quantizer

pytestmark = pytest.mark.toolkit


def small(shape=(48, 48, 1), head="softmax", rescaling=True):
    keras.utils.set_random_seed(1)
    image = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(image) if rescaling else image
    x = layers.Conv2D(8, 3, strides=4, activation="relu")(x)
    return keras.Model(image, layers.Dense(7, activation=head)(layers.GlobalAveragePooling2D()(x)))


def depthwise():
    """The blocks of mini-XCEPTION: separable convolutions with a shortcut, pooling, no dense layer."""
    image = keras.Input((64, 64, 1))
    x = layers.Rescaling(1 / 127.5, -1)(image)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(x)))
    shortcut = layers.Conv2D(16, 1, strides=2, padding="same")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(layers.SeparableConv2D(16, 3, padding="same")(x))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(7, 3)(layers.add([x, shortcut])))
    return keras.Model(image, layers.Softmax()(x))


def dense_only():
    image = keras.Input((48, 48, 1))
    x = layers.Dense(16, activation="relu")(layers.Flatten()(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, layers.Dense(7)(x))


def mobile():
    whole = keras.applications.MobileNetV2((64, 64, 3), 0.35, weights=None, include_top=False)
    base = keras.Model(
        whole.input, whole.get_layer("block_6_project_BN").output
    )  # the rest repeats its blocks
    image = keras.Input((64, 64, 3))
    features = base(layers.Rescaling(1 / 127.5, -1)(image))
    return keras.Model(image, layers.Dense(7)(layers.GlobalAveragePooling2D()(features)))


BUILDERS = {
    "small": small,
    "three channels, logits": lambda: small((96, 96, 3), None),
    "mini-XCEPTION's blocks": depthwise,
    "dense only": dense_only,
    "MobileNetV2": mobile,
    "sequential": lambda: keras.Sequential(
        [keras.Input((48, 48, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(7, "softmax")]
    ),
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ""])
def test_any_classifier_becomes_int8(name, suffix, faces, tmp_path):
    if suffix and suffix != ".keras" and name not in ("small", "dense only"):
        pytest.skip("one format is enough for the larger ones")
    if not suffix and name != "small":
        pytest.skip("a SavedModel is read the same whatever it holds")
    path, model = tmp_path / f"model{suffix}", BUILDERS[name]()
    if suffix:
        model.save(path)
    else:
        model.export(path, verbose=False)
    few = faces.select(np.arange(70))
    scale = None if suffix else "0..255"
    request = QuantizeOptions(
        path, few, labels=faces.classes, pixel_range=scale, representative=20, untrained=True
    )
    quantizer = open_quantizer(request)
    assert quantizer.network.pixel_range == "0..255"
    direct = model.predict(quantizer.network.prepare(few.images[:5]) * 255, verbose=0)
    if quantizer.network.model.layers[-1].name == "probability":
        direct = np.asarray(keras.ops.softmax(direct))
    assert quantizer.network.predict(few.images[:5]) == pytest.approx(direct, abs=1e-5)
    quantized = quantizer.quantize(recipe_named("int8")).model()
    assert quantized.input_tensor.dtype == "int8"
    assert quantized.outputs_probabilities
    assert quantized.predict(few.images[:5]) == pytest.approx(direct, abs=0.05)


def ended(end):
    """A network of seven classes that ``end`` makes of its features, a function that gives another layer each time."""
    keras.utils.set_random_seed(2)
    image = keras.Input((48, 48, 1))
    x = layers.Conv2D(8, 3, strides=4, activation="relu")(layers.Rescaling(1 / 255)(image))
    x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    wide = keras.initializers.RandomNormal(stddev=1.0, seed=3)
    return keras.Model(image, end(lambda *args: layers.Dense(*args, kernel_initializer=wide.clone())(x)))


def divided(logits):
    powers = keras.ops.exp(logits)
    return powers / keras.ops.sum(powers, axis=-1, keepdims=True)


ENDS = {
    "a mean of two": lambda dense: layers.Average()([dense(7, "softmax"), dense(7, "softmax")]),
    "sigmoids side by side": lambda dense: layers.Concatenate()([dense(3, "sigmoid"), dense(4, "sigmoid")]),
    "a softmax in arithmetic": lambda dense: divided(dense(7)),
    "half of a softmax": lambda dense: layers.Rescaling(0.5)(dense(7, "softmax")),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("recipe", ["int8", "float32"])
def test_probabilities_stay_what_they_are_whatever_gives_them(name, recipe, faces, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "state"))
    model = ended(ENDS[name])
    model.save(tmp_path / "model.keras")
    few = faces.select(np.arange(70))
    request = QuantizeOptions(
        tmp_path / "model.keras", few, labels=faces.classes, representative=20, untrained=True
    )
    result = open_quantizer(request).quantize(recipe_named(recipe), tmp_path / "model.tflite")
    result.write(overwrite=False)
    direct = model.predict(few.images[:20, ..., None].astype(np.float32), verbose=0)
    assert load_model(result.path).predict(few.images[:20]) == pytest.approx(direct, abs=0.08)
    assert install_model(result.path).current.is_file()


@pytest.fixture(scope="module")
def without_rescaling(trained, faces, tmp_path_factory):
    """The trained network less its Rescaling layer, for three ranges of pixels."""
    folder = tmp_path_factory.mktemp("ranges")
    model = load_keras_model(trained)
    inside = keras.Model(model.get_layer("one").input, model.output)

    def saved(name, factor, offset):
        path, image = folder / f"{name}.keras", keras.Input((48, 48, 1))
        # A 1x1 convolution undoes the range, so that no layer tells of it.
        undo = layers.Conv2D(1, 1, name="undo")
        made = keras.Model(image, inside(undo(image)))
        undo.set_weights([np.full((1, 1, 1, 1), 1 / factor), np.array([-offset / factor])])
        save_model(made, path, {"labels": list(faces.classes)})
        return path

    return saved


@pytest.mark.parametrize(("name", "factor", "offset"), [("0..1", 1, 0), ("0..255", 255, 0), ("-1..1", 2, -1)])
def test_a_range_that_nothing_tells_is_found_by_what_recognises_the_faces(
    without_rescaling, faces, quantizer, name, factor, offset
):
    found = open_quantizer(
        QuantizeOptions(without_rescaling(name.replace("..", "_"), factor, offset), faces, representative=50)
    )
    assert found.network.pixel_range == name
    assert found.float_probabilities.argmax(1) == pytest.approx(quantizer_classes(quantizer, found), abs=0)


def quantizer_classes(quantizer, found):
    return quantizer.network.predict(found.faces.measuring.images).argmax(1)


def test_pixels_normalised_twice_are_noticed_and_refused(trained, faces):
    with pytest.raises(EdgeError, match=r"with pixels as 0..255 it recognises .* instead of"):
        open_quantizer(QuantizeOptions(trained, faces, pixel_range="0..1", representative=50))


def test_labels_in_another_order_are_noticed_and_refused(trained, faces):
    turned = (*faces.classes[1:], faces.classes[0])
    with pytest.raises(EdgeError, match="with its labels in FER2013 order it recognises"):
        open_quantizer(QuantizeOptions(trained, faces, labels=turned, representative=50))


def test_missing_and_too_few_labels_say_how_many(tmp_path):
    path = tmp_path / "plain.keras"
    small().save(path)
    with pytest.raises(EdgeError, match="does not name its classes; pass `labels` with 7 names"):
        open_network(path)
    with pytest.raises(EdgeError, match="7 outputs and is given 2 labels"):
        open_network(path, ("a", "b"))


def test_weights_that_are_no_numbers_are_named(tmp_path):
    model = small()
    kernel, bias = model.layers[-1].get_weights()
    kernel[0, 0] = np.nan
    model.layers[-1].set_weights([kernel, bias])
    model.save(tmp_path / "nan.keras")
    with pytest.raises(EdgeError, match=r"no finite numbers, in dense.*kernel"):
        open_network(tmp_path / "nan.keras", tuple("abcdefg"))


def test_what_is_no_image_classifier_is_refused(tmp_path):
    vector = keras.Input((10,))
    keras.Model(vector, layers.Dense(7)(vector)).save(tmp_path / "vector.keras")
    with pytest.raises(EdgeError, match=r"no image classifier.*\(None, 10\)"):
        open_network(tmp_path / "vector.keras", tuple("abcdefg"))
    open_size = keras.Input((None, None, 1))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(open_size))
    keras.Model(open_size, layers.Dense(7)(pooled)).save(tmp_path / "open.keras")
    with pytest.raises(EdgeError, match=r"pictures of any size.*`input_size`"):
        open_network(tmp_path / "open.keras", tuple("abcdefg"))


def test_an_operator_that_tflite_lacks_is_named(faces, tmp_path):
    image = keras.Input((48, 48, 1))
    x = keras.ops.erfinv(keras.ops.tanh(layers.Dense(8)(layers.Flatten()(image))) * 0.5)
    keras.Model(image, layers.Dense(7)(x)).save(tmp_path / "odd.keras")
    request = QuantizeOptions(
        tmp_path / "odd.keras", faces, labels=faces.classes, representative=20, untrained=True
    )
    with pytest.raises(EdgeError, match="TFLite has no operator for Erfinv"):
        open_quantizer(request).quantize(recipe_named("int8"))
