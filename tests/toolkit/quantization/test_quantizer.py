"""One contract over every recipe, on a network that was really trained."""

import zipfile

import numpy as np
import pytest

from device.errors import EdgeError, UsageError
from device.model.expression_model import ExpressionModel, load_model
from device.model.file.associated_files import graph_bytes
from device.model.file.metadata import read_metadata
from toolkit.models.network import open_network
from toolkit.quantization.conversion.convert import Conversion
from toolkit.quantization.conversion.layers import refuse_unknown_layers
from toolkit.quantization.conversion.recipe import RECIPES, recipe_named
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.run import open_quantizer, run

pytestmark = pytest.mark.toolkit


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_answers_as_float_does_and_describes_itself(quantizer, name, tmp_path):
    result = quantizer.quantize(recipe_named(name), tmp_path / "model.tflite")
    result.write(overwrite=False)
    model = load_model(result.path)
    assert result.measured.float_report.accuracy > 0.8
    assert result.measured.top1_agreement > 0.95
    assert model.metadata.recipe == name
    assert model.metadata.crop_margin == 1.3
    assert model.outputs_probabilities
    assert model.confined_because is None  # its graph is understood in full
    assert model.metadata.accuracy["quantized"]["n"] == len(result.measured.faces)
    again = model.predict(result.measured.faces.images)
    assert np.array_equal(again, result.measured.quantized_probabilities)
    with zipfile.ZipFile(result.path) as archive:
        assert archive.read("labels.txt").decode().split() == list(model.labels)


@pytest.mark.parametrize(("io_dtype", "zero_point"), [("int8", -128), ("uint8", 0)])
def test_int8_is_integer_throughout_and_takes_raw_pixels(quantizer, io_dtype, zero_point):
    model = quantizer.quantize(recipe_named("int8").with_io_dtype(io_dtype)).model()
    assert model.input_tensor.dtype == model.output_tensor.dtype == io_dtype
    assert model.input_tensor.scales[0] == pytest.approx(1 / 255)
    assert model.input_tensor.zero_points == (zero_point,)
    assert not [tensor for tensor in model.structure.tensors if tensor.dtype.startswith("float")]
    assert model.input_tensor.shape_signature == (1, 48, 48, 1)
    dense = next(operator for operator in model.structure.operators if operator.name == "FULLY_CONNECTED")
    assert len(model.structure.tensors[dense.inputs[1]].scales) == 1


def test_exact_black_and_white_set_the_ranges_even_after_resizing(quantizer):
    images = np.full((3, 32, 32), 90, np.uint8)  # resized to 48 x 48
    inputs = np.concatenate(list(Conversion(quantizer.network, images).calibration_inputs()))
    assert inputs.shape == (3, 48, 48, 1)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert np.isclose(inputs, 90 / 255).mean() > 0.999


def test_the_error_of_each_layer_is_measured_only_for_those_who_see_it(quantizer):
    recipe = recipe_named("int8")
    without, measured = (quantizer.quantize(recipe, layer_errors=asked) for asked in (False, True))
    assert without.layers == ()
    assert {layer.name for layer in measured.layers} >= {"one", "two", "three", "head"}
    assert graph_bytes(without.content) == graph_bytes(measured.content)


def test_named_layers_stay_in_float(quantizer):
    model = quantizer.quantize(recipe_named("int8").keeping_float(("two",))).model()
    tensors = model.structure.tensors
    kinds = [tensors[op.outputs[0]].dtype for op in model.structure.operators if op.name == "CONV_2D"]
    assert kinds == ["int8", "float32", "int8"]
    assert model.metadata.recipe == "int8-mixed"
    assert model.metadata.kept_float == ("two",)


def test_an_unknown_layer_is_named_with_the_known_ones(quantizer):
    with pytest.raises(UsageError, match=r"no layer 'four'.*one, two, three, pool, head"):
        quantizer.quantize(recipe_named("int8-mixed").keeping_float(("four",)))


def test_an_unknown_layer_is_refused_before_any_face_is_read(trained, tmp_path):
    options = QuantizeOptions(trained, str(tmp_path / "no data"), keep_float=("two", "fuor"))
    with pytest.raises(UsageError, match="no layer 'fuor'"):
        open_quantizer(options)
    refuse_unknown_layers(
        ("two", "two#2", "softmax"), ("one", "two")
    )  # operators without a layer have names, too


def test_options_that_do_not_fit_the_recipe_are_wrong_use():
    with pytest.raises(UsageError, match="int8-mixed"):
        recipe_named("float16").keeping_float(("one",))
    with pytest.raises(UsageError, match="input and output"):
        recipe_named("dynamic").with_io_dtype("uint8")
    with pytest.raises(UsageError, match="there are: float32"):
        recipe_named("int3")


def test_the_file_is_written_beside_the_model_and_never_over_another(trained, faces, tmp_path):
    model = tmp_path / "net.keras"
    model.write_bytes(trained.read_bytes())
    result = run(QuantizeOptions(model, faces, representative=50)).result
    assert result.path == tmp_path / "net_int8.tflite"
    assert read_metadata(result.path).representative["count"] == 50
    before = result.path.read_bytes()
    with pytest.raises(EdgeError, match="`overwrite`"):
        run(QuantizeOptions(model, faces, representative=50))
    assert result.path.read_bytes() == before


def test_the_same_seed_gives_the_same_graph(quantizer):
    first, second = (quantizer.quantize(recipe_named("int8")) for _ in range(2))
    assert read_sha(first) == read_sha(second)


def read_sha(result):
    return result.model().metadata.weights_sha256


def test_an_activation_with_a_gradient_of_its_own_is_converted(tmp_path, faces):
    import keras

    image = keras.Input((48, 48, 1))
    x = keras.layers.Conv2D(4, 3, strides=8, activation="swish")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(image, keras.layers.Dense(2, activation="softmax")(x)).save(tmp_path / "swish.keras")
    network, images = open_network(tmp_path / "swish.keras", ("happy", "sad"), "0..1"), faces.images[:8]
    small = ExpressionModel(Conversion(network, images).integer(), network.path, network.labels)
    np.testing.assert_allclose(small.predict(images), network.predict(images), atol=0.02)
