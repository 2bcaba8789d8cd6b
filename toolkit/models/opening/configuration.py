"""A network's configuration rewritten: as Keras 3 spells what Keras 2.0 to 2.15 wrote, and in float32."""

from typing import Any

from toolkit.models.opening.declared import parts
from toolkit.models.opening.operations import OPERATION_CLASSES, as_layer

Config = dict[str, Any]

NETWORKS = ("Sequential", "Model", "Functional")
OF_KERAS = {"module": "keras.layers", "registered_name": None}
# What earlier versions wrote of a layer and Keras 3 does not take; none of it changes what the layer computes.
DROPPED_KEYS = {
    "renorm", "renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size", "adjustment", "time_major",
    "implementation", "experimental_autocast", "experimental_run_tf_function", "input_dtype", "input_length",
}  # fmt: skip
# The same for some classes: the settings of the plain convolution that they were derived from.
PLAIN = {f"kernel_{part}" for part in ("initializer", "regularizer", "constraint")}
DROPPED_KEYS_OF = {"SeparableConv2D": {"groups", *PLAIN}, "SeparableConv1D": {"groups", *PLAIN}}
DROPPED_KEYS_OF |= {"DepthwiseConv2D": {"groups", "filters", *PLAIN}, "Conv2DTranspose": {"groups"}}
DROPPED_KEYS_OF |= {"Conv1DTranspose": {"groups"}, "DepthwiseConv1D": {"groups", "filters", *PLAIN}}
DROPPED_KEYS_OF |= {f"SpatialDropout{n}D": {"noise_shape", "trainable"} for n in (1, 2, 3)}
DROPPED_KEYS_OF |= {"MultiHeadAttention": {"query_shape", "key_shape", "value_shape"}}
DROPPED_KEYS_OF |= {"Attention": {"causal"}, "AdditiveAttention": {"causal"}}
OF_TRAINING = ("compile_config", "unroll")
# Keras 3 calls another function by this name: x / 6 + 0.5, which was 0.2 x + 0.5.
OLD_HARD_SIGMOID, ACTIVATION_KEYS = "hard_sigmoid_of_keras_2", ("activation", "recurrent_activation")


def is_of_keras_2(config: Config) -> bool:
    """Return whether Keras 2 wrote a network's configuration, or that of a network inside."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    if isinstance(inner, dict) and "batch_input_shape" in inner:
        return True
    if not isinstance(layers, list) or config.get("class_name") not in NETWORKS:
        return config.get("class_name") in OPERATION_CLASSES
    return isinstance(inner, list) or any(is_of_keras_2(layer) for layer in layers if isinstance(layer, dict))


def in_keras_3(config: Config) -> Config:
    """Return the configuration of a network, whatever version wrote it, as Keras 3 reads it."""
    inner = config["config"]
    if isinstance(inner, list):  # a Sequential before Keras 2.2.3
        inner = {"name": config.get("name", "sequential"), "layers": inner}
    layers = [_layer(layer, "module" in config) for layer in inner["layers"]]
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
    """Return a configuration with every layer's dtype policy float32; weights and graph stay as they are.

    A picture that enters in uint8 enters in float32 too: the same numbers, without a cast that has no int8 form.
    """
    if isinstance(config, list):
        return [in_float32(part) for part in config]
    if not isinstance(config, dict):
        return config
    rewritten = {key: in_float32(value) for key, value in config.items()}
    # Only a layer has a name beside its dtype; an operation's 'dtype' argument (a cast) means what it says.
    if (
        "dtype" in rewritten
        and "name" in rewritten
        and (config["dtype"] == "uint8" or _policy_name(config["dtype"]) not in ("float32", None))
    ):
        rewritten["dtype"] = "float32"
    return rewritten


def without_training(config: Any) -> Any:
    """Return a configuration without how it and the models inside it were compiled, and without recurrent layers
    unrolled: a loss may need code that is not there, Keras makes an optimizer for each model inside, and builds each
    step of an unrolled layer, which a small file may declare millions of (see ``recurrence``)."""
    if isinstance(config, list):
        return [without_training(part) for part in config]
    if not isinstance(config, dict):
        return config
    return {key: without_training(value) for key, value in config.items() if key not in OF_TRAINING}


def quantized_layers(config: Any) -> list[str]:
    """Return the names of the layers that Keras' own quantization changed, which int8 here cannot start from."""
    return [
        str(part.get("name"))
        for part in parts(config)
        if isinstance(policy := part.get("dtype"), dict) and "Quantized" in str(policy.get("class_name"))
    ]


def _policy_name(dtype: Any) -> str | None:
    """Return the name of a floating dtype policy, None for another type (the indices of an Embedding)."""
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    return name if isinstance(name, str) and "float" in name else None


def _layer(layer: Config, modern: bool = False) -> Config:
    """Return a layer as Keras 3 reads it; ``modern``: in a file whose layers tell the module that they are from."""
    if layer["class_name"] in NETWORKS:
        return {**in_keras_3(layer), **{key: layer[key] for key in ("name", "inbound_nodes") if key in layer}}
    if layer["class_name"] in OPERATION_CLASSES:
        return as_layer(layer) or layer
    read = {
        **(OF_KERAS if modern else {}),
        **layer,
        "config": _settings(layer["class_name"], layer["config"]),
    }
    read.pop("build_config", None)  # it is built by the tensors that it is called on
    if layer["class_name"] == "ThresholdedReLU":
        read["class_name"] = "ReLU"
    return read


def _settings(kind: str, written: Config) -> Config:
    """Return what a layer of the class ``kind`` was set to, as Keras 3 reads it."""
    dropped = DROPPED_KEYS | DROPPED_KEYS_OF.get(kind, set())
    settings = {key: value for key, value in written.items() if key not in dropped}
    for key in ACTIVATION_KEYS:
        if settings.get(key) == "hard_sigmoid":
            settings[key] = {
                "module": "builtins",
                "class_name": "function",
                "config": OLD_HARD_SIGMOID,
                "registered_name": OLD_HARD_SIGMOID,
            }
    shape = settings.pop("batch_input_shape", None)
    if kind == "InputLayer" and shape is not None:
        settings["batch_shape"] = shape
    if kind == "GRU":
        settings.setdefault("reset_after", False)  # before Keras 2.1.3 there was no other way
    if kind == "ThresholdedReLU":
        settings["threshold"] = settings.pop("theta")
    if kind == "BatchNormalization" and isinstance(settings.get("axis"), list):
        (settings["axis"],) = settings["axis"]
    for wrapped in ("layer", "backward_layer"):
        if isinstance(settings.get(wrapped), dict):
            settings[wrapped] = _layer(settings[wrapped], modern=True)
    return settings


def _with_own_calls(layers: list[Config]) -> list[Config]:
    """Return the layers of a graph with the calls of a network inside it counted from 0.

    Keras 2 counted its making as its first call, Keras 3 does not.
    """
    networks = _named(layers, NETWORKS)
    return [
        {
            **layer,
            "inbound_nodes": [_node(_counted_from_0(node, networks)) for node in layer["inbound_nodes"]],
        }
        for layer in layers
    ]


def _node(sources: list[Any]) -> Any:
    """Return a call as Keras 3 writes it where tensors are among its named arguments, else as it is."""
    named = sources[0][3] if len(sources) == 1 and len(sources[0]) > 3 else {}
    if not any(_is_tensor(value) for value in named.values()):
        return sources
    return {
        "args": [_tensor(sources[0][:3])],
        "kwargs": {key: _tensor(value) if _is_tensor(value) else value for key, value in named.items()},
    }


def _is_tensor(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and [type(part) for part in value] == [str, int, int]


def _tensor(history: list[Any]) -> Config:
    """Return what Keras 3 writes of a tensor; it is found again by the layer that put it out."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": history},
    }


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


def _input_shape(layer: Config) -> Any:
    """Return the batch shape that a layer, or the first layer of a network inside, says of its input, or None."""
    settings = layer["config"]
    inner = settings.get("layers") if isinstance(settings, dict) else settings
    if isinstance(inner, list) and inner and layer["class_name"] in NETWORKS:
        return _input_shape(inner[0])
    return settings.get("batch_input_shape")


def _with_input(written: list[Config], layers: list[Config]) -> list[Config]:
    """Return the layers of a Sequential behind an input layer, made of what its first layer said of its input."""
    shape = _input_shape(written[0])
    if written[0]["class_name"] == "InputLayer" or shape is None:
        return layers
    name = written[0].get("name") or written[0]["config"]["name"]
    settings = {"name": f"{name}_input", "batch_shape": shape, "dtype": "float32"}
    module = OF_KERAS if "module" in layers[0] else {}
    return [{"class_name": "InputLayer", "config": settings, **module}, *layers]
