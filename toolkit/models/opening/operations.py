"""TensorFlow's functions that tf.keras wrote between its layers, as layers of Keras 3 that compute the same."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from toolkit.models.opening.declared import parts

Config = dict[str, Any]

# TFOpLambda since TF 2.4, TensorFlowOpLayer before; SlicingOpLambda has no layer that computes the same.
OPERATION_CLASSES = ("TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda")
# With a constant, arithmetic is a Rescaling; between layers a merge.
SCALING_OF_FUNCTION: dict[str, Callable[[float], Config]] = {
    "math.truediv": lambda value: {"scale": 1 / value, "offset": 0.0},
    "math.multiply": lambda value: {"scale": value, "offset": 0.0},
    "math.subtract": lambda value: {"scale": 1.0, "offset": -value},
    "math.add": lambda value: {"scale": 1.0, "offset": value},
    "__operators__.add": lambda value: {"scale": 1.0, "offset": value},
}
MERGE_OF_FUNCTION = {
    "math.multiply": "Multiply",
    "math.subtract": "Subtract",
    "math.add": "Add",
    "__operators__.add": "Add",
}
ACTIVATIONS = ("relu", "relu6", "elu", "selu", "silu", "sigmoid", "tanh", "softmax", "softplus")
ACTIVATION_OF_FUNCTION = {f"{place}.{name}": name for place in ("nn", "math") for name in ACTIVATIONS}
ACTIVATION_OF_FUNCTION["nn.swish"] = "silu"
# What the operators of a TensorFlowOpLayer are called as functions.
FUNCTION_OF_OPERATOR = {
    "RealDiv": "math.truediv", "Mul": "math.multiply", "Sub": "math.subtract", "Add": "math.add", "AddV2": "math.add",
    "Relu": "nn.relu", "Relu6": "nn.relu6", "Elu": "nn.elu", "Selu": "nn.selu", "Sigmoid": "nn.sigmoid",
    "Tanh": "nn.tanh", "Softmax": "nn.softmax", "Softplus": "nn.softplus",
}  # fmt: skip


def foreign_operations(config: Any) -> Iterator[str]:
    """Yield the names of the functions in a network's configuration that no layer of Keras 3 stands for."""
    for part in parts(config):
        if part.get("class_name") in OPERATION_CLASSES and as_layer(part) is None:
            settings = part["config"]
            yield str(settings.get("function") or _node(settings).get("op") or settings.get("name"))


def as_layer(layer: Config) -> Config | None:
    """Return an operation of tf.keras as a layer of Keras 3, or None where there is none."""
    called = _call_of(layer)
    if called is None:
        return None
    function, sources, arguments = called
    made = _layer_of(
        function, len(sources), {k: v for k, v in arguments.items() if v is not None and k != "name"}
    )
    if made is None:
        return None
    kind, settings = made
    module = {"module": "keras.layers", "registered_name": None} if "module" in layer else {}
    return {
        **{key: value for key, value in layer.items() if key != "build_config"},
        **module,
        "class_name": kind,
        "config": {"name": layer.get("name") or layer["config"]["name"], "dtype": "float32", **settings},
        "inbound_nodes": [[[*source[:3], {}] for source in sources]],
    }


def _call_of(layer: Config) -> tuple[str, list[list[Any]], Config] | None:
    """Return the function that an operation calls once, the tensors it takes and its other arguments."""
    settings, nodes = layer["config"], layer.get("inbound_nodes", [])
    if len(nodes) != 1 or not isinstance(nodes[0], list):
        return None
    if layer["class_name"] == "TensorFlowOpLayer":
        constants = settings.get("constants", {})
        if not set(constants) <= {"1"}:
            return None
        function = FUNCTION_OF_OPERATOR.get(str(_node(settings).get("op")), "")
        sources, arguments = list(nodes[0]), {"y": constants["1"]} if constants else {}
    else:
        function = str(settings.get("function", ""))
        flat = isinstance(nodes[0][0], str)
        sources = [nodes[0]] if flat else list(nodes[0])
        arguments = dict(sources[0][3]) if len(sources[0]) > 3 else {}
        if isinstance(arguments.get("y"), list):  # another layer's output
            sources.append(arguments.pop("y"))
    return function, sources, arguments


def _layer_of(function: str, inputs: int, arguments: Config) -> tuple[str, Config] | None:
    """Return class and settings of the layer that computes a function of so many tensors with these arguments."""
    constant, names = arguments.get("y"), set(arguments)
    if inputs == 2 and not names and function in MERGE_OF_FUNCTION:
        return MERGE_OF_FUNCTION[function], {}
    if function == "concat" and names <= {"axis"}:
        return "Concatenate", {"axis": arguments.get("axis", -1)}
    if inputs != 1:
        return None
    if (
        names == {"y"}
        and isinstance(constant, int | float)
        and function in SCALING_OF_FUNCTION
        and constant != 0
    ):
        return "Rescaling", SCALING_OF_FUNCTION[function](float(constant))
    if not names and function in ACTIVATION_OF_FUNCTION:
        return "Activation", {"activation": ACTIVATION_OF_FUNCTION[function]}
    if function == "math.reduce_mean" and arguments.get("axis") == [1, 2] and names <= {"axis", "keepdims"}:
        return "GlobalAveragePooling2D", {"keepdims": bool(arguments.get("keepdims", False))}
    if function == "image.resize" and names == {"size"} and isinstance(arguments["size"], list):
        height, width = arguments["size"]
        return "Resizing", {"height": height, "width": width}
    return None


def _node(settings: Config) -> Config:
    """Return the operator that a TensorFlowOpLayer holds; older versions wrote it as JSON."""
    node = settings.get("node_def", {})
    node = json.loads(node) if isinstance(node, str) else node
    return node if isinstance(node, dict) else {}
