"""Files of Keras 2.0 to 2.15: the network is the one that was saved, layer by layer and number by number."""

import json
import os

import h5py
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model
from toolkit.models.opening.configuration import in_float32, in_keras_3, is_of_keras_2

pytestmark = pytest.mark.toolkit
L = keras.layers
POLICY = {"class_name": "Policy", "config": {"name": "mixed_float16"}}


def sequential():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            L.SeparableConv2D(4, 3, activation="relu", name="separable"),
            L.DepthwiseConv2D(3, name="depthwise"),
            L.BatchNormalization(name="norm"),
            L.Flatten(name="flat"),
            L.Dense(7, activation="softmax", name="last"),
        ]
    )


def functional():
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 1), name="image")
    x = L.Rescaling(1 / 255, name="divided")(image)
    left, right = L.Conv2D(4, 3, name="left")(x), L.Conv2D(4, 3, name="right")(x)
    inner_image = keras.Input((14, 14, 4), name="inner_image")
    inner = keras.Model(inner_image, L.GlobalMaxPooling2D(name="pool")(inner_image), name="inner")
    return keras.Model(image, L.Dense(7, name="last")(inner(L.Add(name="sum")([left, right]))))


def as_keras_2_layer(layer):
    """Return a layer's configuration with the keys that Keras 2 wrote, and without those that Keras 3 does."""
    kept = {key: value for key, value in layer["config"].items() if key != "quantization_config"}
    kept["dtype"] = POLICY if layer["class_name"] == "Dense" else "float32"
    if layer["class_name"] == "BatchNormalization":
        kept |= {"axis": [3], "fused": True, "renorm": False, "virtual_batch_size": None}
    if layer["class_name"] in ("SeparableConv2D", "DepthwiseConv2D"):
        kept |= {
            "groups": 1,
            "kernel_initializer": None,
            "kernel_regularizer": None,
            "kernel_constraint": None,
        }
    if layer["class_name"] == "DepthwiseConv2D":
        kept["filters"] = None
    return {"class_name": layer["class_name"], "config": kept}


def save_with(model, path, config, version):
    model.save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = version


def old_sequential(path, as_list, model):
    layers = [as_keras_2_layer(one) for one in json.loads(model.to_json())["config"]["layers"]]
    layers = [layer for layer in layers if layer["class_name"] != "InputLayer"]
    layers[0]["config"]["batch_input_shape"] = [None, 16, 16, 1]
    config = layers if as_list else {"name": "sequential_1", "layers": layers}
    save_with(model, path, {"class_name": "Sequential", "config": config}, "2.0.6" if as_list else "2.2.4")


def same_answers(one, other, size=16):
    faces = np.random.default_rng(0).random((3, size, size, 1), dtype=np.float32) * 255
    return np.asarray(one(faces)) == pytest.approx(np.asarray(other(faces)), abs=1e-6)


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "named.keras"])
def test_a_sequential_of_keras_2_computes_what_it_did(tmp_path, as_list, name):
    model = sequential()
    old_sequential(tmp_path / "m.h5", as_list, model)
    path = (tmp_path / "m.h5").rename(tmp_path / name)
    before = path.read_bytes()
    opened = load_keras_model(path)
    assert same_answers(opened, model)
    assert path.read_bytes() == before
    assert {weight.dtype for weight in opened.weights} == {"float32"}


def test_a_graph_of_keras_2_with_arithmetic_and_a_network_inside_computes_what_it_did(tmp_path):
    def node(name, call=0):
        return [name, call, 0, {}]

    model = functional()
    made = {layer.name: as_keras_2_layer({"class_name": type(layer).__name__, "config": layer.get_config()})
            for layer in (*model.layers, *model.get_layer("inner").layers) if layer.name != "inner"}  # fmt: skip
    for name, shape in (("image", [None, 16, 16, 1]), ("inner_image", [None, 14, 14, 4])):
        made[name]["config"].pop("batch_shape", None)
        made[name]["config"]["batch_input_shape"] = shape
    inputs = {"image": [], "left": [[node("divided")]], "right": [[node("divided")]],
              "inner_image": [], "pool": [[node("inner_image")]], "last": [[node("inner", 1)]]}  # fmt: skip
    layers = {name: {**made[name], "name": name, "inbound_nodes": nodes} for name, nodes in inputs.items()}
    operation = {"trainable": True, "dtype": "float32"}
    layers["divided"] = {
        "class_name": "TFOpLambda", "name": "divided",
        "config": {"name": "divided", "function": "math.truediv", **operation},
        "inbound_nodes": [["image", 0, 0, {"y": 255.0, "name": None}]],
    }  # fmt: skip
    layers["sum"] = {
        "class_name": "TFOpLambda", "name": "sum",
        "config": {"name": "sum", "function": "__operators__.add", **operation},
        "inbound_nodes": [["left", 0, 0, {"y": ["right", 0, 0], "name": None}]],
    }  # fmt: skip
    inner = {
        "name": "inner", "trainable": True, "layers": [layers["inner_image"], layers["pool"]],
        "input_layers": [["inner_image", 0, 0]], "output_layers": [["pool", 0, 0]],
    }  # fmt: skip
    layers["inner"] = {
        "class_name": "Model",
        "name": "inner",
        "config": inner,
        "inbound_nodes": [[node("sum")]],
    }
    order = ("image", "divided", "left", "right", "sum", "inner", "last")
    outer = {
        "name": "model_1", "trainable": True, "layers": [layers[name] for name in order],
        "input_layers": [["image", 0, 0]], "output_layers": [["last", 0, 0]],
    }  # fmt: skip
    save_with(model, tmp_path / "m.h5", {"class_name": "Model", "config": outer}, "2.2.4")
    opened = load_keras_model(tmp_path / "m.h5")
    assert same_answers(opened, model)
    assert isinstance(opened.get_layer("divided"), L.Rescaling)  # so the pixel range is known


def test_what_keras_3_wrote_stays_as_it_is():
    config = json.loads(functional().to_json())
    assert not is_of_keras_2(config)
    assert in_float32(config) == config


def test_an_index_keeps_its_type():
    layer = {
        "class_name": "InputLayer",
        "config": {"name": "i", "batch_input_shape": [None, 3], "dtype": "int32"},
    }
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    assert in_float32(in_keras_3(config))["config"]["layers"][0]["config"]["dtype"] == "int32"


def as_keras_2(model, path, version="2.2.4"):
    """Save ``model``, a Sequential, as Keras 2.2 wrote one: no modules, the input's shape on the first layer."""

    def plain(config):
        if isinstance(config, dict):
            dropped = ("module", "registered_name", "build_config", "quantization_config", "dtype")
            return {key: plain(value) for key, value in config.items() if key not in dropped}
        return [plain(part) for part in config] if isinstance(config, list) else config

    layers = plain(json.loads(model.to_json())["config"]["layers"])
    shape = layers.pop(0)["config"]["batch_shape"]
    first = layers[0]["config"]["layers"][0] if "layers" in layers[0]["config"] else layers[0]
    first["config"].pop("batch_shape", None)
    first["config"]["batch_input_shape"] = shape
    save_with(model, path, {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}, version)


def kept(model, path, change=lambda layers: None):
    """Return what is opened of ``model`` as a file of Keras 2, its layers' configurations changed before."""
    as_keras_2(model, path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change({layer["config"]["name"]: layer for layer in config["config"]["layers"]})
        file.attrs["model_config"] = json.dumps(config)
    return load_keras_model(path)


def test_hard_sigmoid_is_what_keras_2_called_so(tmp_path):
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), L.Flatten(), L.Dense(3, activation="hard_sigmoid", name="last")]
    )
    opened = kept(model, tmp_path / "m.h5")
    faces = np.random.default_rng(0).normal(size=(5, 4, 4, 1)).astype(np.float32)
    sums = faces.reshape(5, 16) @ np.asarray(model.get_layer("last").kernel)
    assert np.asarray(opened(faces)) == pytest.approx(np.clip(0.2 * sums + 0.5, 0, 1), abs=1e-6)


def test_layers_that_keras_3_spells_otherwise_compute_what_they_did(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            L.SpatialDropout2D(0.1, name="dropout"),
            L.ReLU(threshold=0.3, name="threshold"),
            L.Reshape((16, 16)),
            L.Bidirectional(L.GRU(3, reset_after=False, name="gru"), name="both"),
            L.Dense(7),
        ]
    )

    def change(layers):
        layers["dropout"]["config"]["noise_shape"] = None
        layers["threshold"] |= {
            "class_name": "ThresholdedReLU",
            "config": {"name": "threshold", "theta": 0.3},
        }
        for one in (layers["both"]["config"]["layer"], layers["both"]["config"]["backward_layer"]):
            del one["config"]["reset_after"]

    assert same_answers(kept(model, tmp_path / "m.h5", change), model)


def test_a_network_first_in_a_sequential_tells_its_input(tmp_path):
    image = keras.Input((16, 16, 1), name="image")
    inner = keras.Model(image, L.Conv2D(4, 3, name="conv")(image), name="base")
    model = keras.Sequential([keras.Input((16, 16, 1)), inner, L.GlobalAveragePooling2D(), L.Dense(7)])
    as_keras_2(model, tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        base = config["config"]["layers"][0]
        nodes = {"image": [], "conv": [[["image", 0, 0, {}]]]}
        base |= {"class_name": "Model"}
        base["config"] |= {"input_layers": [["image", 0, 0]], "output_layers": [["conv", 0, 0]]}
        for layer in base["config"]["layers"]:
            layer["inbound_nodes"] = nodes[layer["name"]]
        file.attrs["model_config"] = json.dumps(config)
    assert same_answers(load_keras_model(tmp_path / "m.h5"), model)


@pytest.mark.parametrize("way", ["Keras 2", "Keras 3"])
@pytest.mark.parametrize("name", ["m.json", "network.json"])
def test_weights_beside_the_json_of_their_network_are_opened(tmp_path, way, name):
    model = sequential()
    (tmp_path / name).write_text(model.to_json())
    if way == "Keras 3":
        path = tmp_path / "m.weights.h5"
        model.save_weights(path)
    else:
        path = tmp_path / "m.h5"
        model.save(tmp_path / "whole.h5")
        with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(path, "w") as file:
            for group in whole["model_weights"]:
                whole.copy(f"model_weights/{group}", file)
            for key, value in whole["model_weights"].attrs.items():
                file.attrs[key] = value
    assert same_answers(load_keras_model(path), model)
    (tmp_path / name).unlink()
    with pytest.raises(EdgeError, match=r"weights without the network.*m\.json"):
        load_keras_model(path)


def test_a_picture_in_uint8_enters_without_a_cast(tmp_path):
    image = keras.Input((16, 16, 1), dtype="uint8")
    model = keras.Model(image, L.Dense(7)(L.Flatten()(L.Rescaling(1 / 255)(image))))
    model.save(tmp_path / "m.keras")
    opened = load_keras_model(tmp_path / "m.keras")
    faces = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), dtype=np.uint8)
    assert opened.inputs[0].dtype == "float32"
    assert np.asarray(opened(faces.astype(np.float32))) == pytest.approx(np.asarray(model(faces)), abs=1e-6)
