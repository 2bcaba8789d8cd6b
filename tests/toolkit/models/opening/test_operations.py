"""TensorFlow's functions between the layers of tf.keras."""

import json

import pytest

from toolkit.models.opening.operations import as_layer, foreign_operations


def function(called, /, *sources, **arguments):
    """An operation as TF 2.4 to 2.15 wrote it."""
    node = [*sources[0], arguments]
    return {
        "class_name": "TFOpLambda",
        "name": f"tf.{called}",
        "config": {"name": f"tf.{called}", "function": called},
        "inbound_nodes": [node] if len(sources) == 1 else [[node, *([*one, {}] for one in sources[1:])]],
    }


def operator(name, constant=None):
    """An operation as TF 2.0 to 2.3 wrote it."""
    constants = {} if constant is None else {"1": constant}
    return {
        "class_name": "TensorFlowOpLayer",
        "name": f"tf_op_layer_{name}",
        "config": {"name": name, "node_def": json.dumps({"op": name}), "constants": constants},
        "inbound_nodes": [[["x", 0, 0, {}]]],
    }


X, Z = ["x", 0, 0], ["z", 0, 0]


@pytest.mark.parametrize(
    ("operation", "kind", "settings"),
    [
        (function("math.subtract", X, y=127.5, name=None), "Rescaling", {"scale": 1.0, "offset": -127.5}),
        (operator("RealDiv", 4.0), "Rescaling", {"scale": 0.25, "offset": 0.0}),
        (operator("Sub", 1.0), "Rescaling", {"scale": 1.0, "offset": -1.0}),
        (operator("Sigmoid"), "Activation", {"activation": "sigmoid"}),
        (function("nn.relu", X, name=None), "Activation", {"activation": "relu"}),
        (function("image.resize", X, size=[32, 24]), "Resizing", {"height": 32, "width": 24}),
        (function("math.reduce_mean", X, axis=[1, 2]), "GlobalAveragePooling2D", {"keepdims": False}),
        (function("concat", X, Z, axis=-1), "Concatenate", {"axis": -1}),
        (function("math.multiply", X, y=Z), "Multiply", {}),
    ],
)
def test_a_function_becomes_the_layer_that_computes_it(operation, kind, settings):
    made = as_layer(operation)
    assert made["class_name"] == kind
    assert {key: made["config"][key] for key in settings} == settings
    assert made["config"]["name"] == operation["name"]  # as those behind it call it
    assert made["inbound_nodes"][0][0] == ["x", 0, 0, {}]
    assert not list(foreign_operations({"layers": [operation]}))


@pytest.mark.parametrize(
    "operation",
    [
        function("math.reduce_mean", X, axis=[1]),
        function("image.resize", X, size=[32, 32], method="nearest"),
        function("math.truediv", X, y=0.0),
        function("nn.bias_add", X, bias=[1.0, 2.0]),
        operator("StridedSlice"),
    ],
)
def test_another_function_is_named(operation):
    assert as_layer(operation) is None
    assert len(list(foreign_operations({"config": {"layers": [operation]}}))) == 1
