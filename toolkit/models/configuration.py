"""A network's configuration rewritten: as Keras 3 spells what Keras 2.0 to 2.15 wrote, and in float32."""

from collections.abc import Callable
from typing import Any

Config = dict[str, Any]

NETWORKS = ("Sequential", "Model", "Functional")
# What earlier versions wrote of a layer and Keras 3 does not take; none of it changes what the layer computes.
DROPPED_KEYS = {
    "renorm", "renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size", "adjustment", "time_major",
    "implementation", "experimental_autocast", "experimental_run_tf_function", "input_dtype", "input_length",
}  # fmt: skip
# The same for some classes: the settings of the plain convolution that they were derived from.
PLAIN = {f"kernel_{part}" for part in ("initializer", "regularizer", "constraint")}
DROPPED_KEYS_OF = {"SeparableConv2D": {"groups", *PLAIN}, "SeparableConv1D": {"groups", *PLAIN}}
DROPPED_KEYS_OF |= {"DepthwiseConv2D": {"groups", "filters", *PLAIN}, "Conv2DTranspose": {"groups"}}
# Arithmetic that tf.keras wrote as a layer of its own: with a constant it is a Rescaling, between layers a merge.
SCALING_OF_OPERATION: dict[str, Callable[[float], Config]] = {
    "math.truediv": lambda value: {"scale": 1 / value, "offset": 0.0},
    "math.multiply": lambda value: {"scale": value, "offset": 0.0},
    "math.subtract": lambda value: {"scale": 1.0, "offset": -value},
    "math.add": lambda value: {"scale": 1.0, "offset": value},
    "__operators__.add": lambda value: {"scale": 1.0, "offset": value},
}
MERGE_OF_OPERATION = {
    "math.multiply": "Multiply",
    "math.subtract": "Subtract",
    "math.add": "Add",
    "__operators__.add": "Add",
}


def is_of_keras_2(config: Config) -> bool:
    """Return whether Keras 2 wrote a network's configuration."""
    if isinstance(config.get("config"), list):
        return True
    layers = config["config"].get("layers")
    return isinstance(layers, list) and any(
        "batch_input_shape" in layer.get("config", {}) or layer.get("class_name") == "TFOpLambda"
        for layer in layers
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict)
    )


def in_keras_3(config: Config) -> Config:
    """Return the configuration of a network, whatever version wrote it, as Keras 3 reads it."""
    inner = config["config"]
    if isinstance(inner, list):  # a Sequential before Keras 2.2.3
        inner = {"name": config.get("name", "sequential"), "layers": inner}
    layers = [_layer(layer) for layer in inner["layers"]]
    if config["class_name"] == "Sequential":
        named = {
            "class_name": "Sequential",
            "config": {**inner, "layers": _with_input(inner["layers"], layers)},
        }
        module = "keras"
    else:
        layers, sequentials = (
            _with_own_calls(layers),
            _named(layers, ("Sequential",)),
        )  # Keras counts the others
        ends = {
            key: _alone(_counted_from_0(inner[key], sequentials)) for key in ("input_layers", "output_layers")
        }
        named = {"class_name": "Functional", "config": {**inner, **ends, "layers": layers}}
        module = "keras.src.models.functional"  # as Keras 3 itself writes it
    return {**config, **named, **({"module": module} if "module" in config else {})}


def in_float32(config: Any) -> Any:
    """Return a configuration with every layer's dtype policy float32; weights and graph stay as they are."""
    if isinstance(config, list):
        return [in_float32(part) for part in config]
    if not isinstance(config, dict):
        return config
    rewritten = {key: in_float32(value) for key, value in config.items()}
    # Only a layer has a name beside its dtype; an operation's 'dtype' argument (a cast) means what it says.
    if (
        "dtype" in rewritten
        and "name" in rewritten
        and _policy_name(config["dtype"]) not in ("float32", None)
    ):
        rewritten["dtype"] = "float32"
    return rewritten


def quantized_layers(config: Any) -> list[str]:
    """Return the names of the layers that Keras' own quantization changed, which int8 here cannot start from."""
    if isinstance(config, list):
        return [name for part in config for name in quantized_layers(part)]
    if not isinstance(config, dict):
        return []
    policy = config.get("dtype")
    kind = policy.get("class_name", "") if isinstance(policy, dict) else ""
    found = [str(config.get("name"))] if "Quantized" in str(kind) else []
    return found + [name for value in config.values() for name in quantized_layers(value)]


def _policy_name(dtype: Any) -> str | None:
    """Return the name of a floating dtype policy, None for another type (the indices of an Embedding)."""
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    return name if isinstance(name, str) and "float" in name else None


def _layer(layer: Config) -> Config:
    if layer["class_name"] in NETWORKS:
        return {**in_keras_3(layer), **{key: layer[key] for key in ("name", "inbound_nodes") if key in layer}}
    if layer["class_name"] == "TFOpLambda":
        return _arithmetic(layer)
    dropped = DROPPED_KEYS | DROPPED_KEYS_OF.get(layer["class_name"], set())
    settings = {key: value for key, value in layer["config"].items() if key not in dropped}
    shape = settings.pop("batch_input_shape", None)
    if layer["class_name"] == "InputLayer" and shape is not None:
        settings["batch_shape"] = shape
    if layer["class_name"] == "BatchNormalization" and isinstance(settings.get("axis"), list):
        (settings["axis"],) = settings["axis"]
    for wrapped in ("layer", "backward_layer"):
        if isinstance(settings.get(wrapped), dict):
            settings[wrapped] = _layer(settings[wrapped])
    return {**layer, "config": settings}


def _with_own_calls(layers: list[Config]) -> list[Config]:
    """Return the layers of a graph with the calls of a network inside it counted from 0.

    Keras 2 counted its making as its first call, Keras 3 does not.
    """
    networks = _named(layers, NETWORKS)
    return [
        {**layer, "inbound_nodes": [_counted_from_0(node, networks) for node in layer["inbound_nodes"]]}
        for layer in layers
    ]


def _named(layers: list[Config], classes: tuple[str, ...]) -> set[str]:
    return {layer["name"] for layer in layers if layer["class_name"] in classes}


def _counted_from_0(sources: list[Any], networks: set[str]) -> list[Any]:
    return [
        [source[0], source[1] - 1, *source[2:]] if source[0] in networks and source[1] else source
        for source in sources
    ]


def _alone(ends: Any) -> Any:
    """Return the one input or output of a network without the list around it, several as they are."""
    return ends[0] if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list) else ends


def _with_input(written: list[Config], layers: list[Config]) -> list[Config]:
    """Return the layers of a Sequential behind an input layer, made of what its first layer said of its input."""
    shape = written[0]["config"].get("batch_input_shape") if isinstance(written[0]["config"], dict) else None
    if written[0]["class_name"] == "InputLayer" or shape is None:
        return layers
    settings = {"name": f"{written[0]['config']['name']}_input", "batch_shape": shape, "dtype": "float32"}
    module = {"module": "keras.layers", "registered_name": None} if "module" in written[0] else {}
    return [{"class_name": "InputLayer", "config": settings, **module}, *layers]


def _arithmetic(layer: Config) -> Config:
    """Return arithmetic of tf.keras as a layer of Keras 3, or as it is where there is none."""
    function = layer["config"].get("function")
    (node,) = layer["inbound_nodes"] if len(layer["inbound_nodes"]) == 1 else (None,)
    if not (isinstance(node, list) and len(node) == 4 and isinstance(node[3], dict)):
        return layer
    other, source = node[3].get("y"), [*node[:3], {}]
    made = {"name": layer["config"]["name"], "trainable": True, "dtype": "float32"}
    if isinstance(other, int | float) and function in SCALING_OF_OPERATION and other != 0:
        made, kind = {**made, **SCALING_OF_OPERATION[function](float(other))}, "Rescaling"
        return {**layer, "class_name": kind, "config": made, "inbound_nodes": [[source]]}
    if isinstance(other, list) and function in MERGE_OF_OPERATION:
        nodes = [[source, [*other[:3], {}]]]
        return {**layer, "class_name": MERGE_OF_OPERATION[function], "config": made, "inbound_nodes": nodes}
    return layer
