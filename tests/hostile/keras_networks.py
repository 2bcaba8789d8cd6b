"""Hostile networks in ``.keras`` files, made of a good one; each entry is one of a kind."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = "config.json"
Config = dict[str, Any]


def members(good: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(good) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_config(change: Callable[[Config], object]) -> Callable[[Path, Path], None]:
    """Return what writes the file with its network's configuration changed."""

    def write(good: Path, out: Path) -> None:
        found = members(good)
        config = json.loads(found[CONFIG])
        text = change(config)
        found[CONFIG] = (text if isinstance(text, str) else json.dumps(config)).encode()
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in found.items():
                archive.writestr(name, content)

    return write


def layer(config: Config, class_name: str) -> Config:
    return next(one for one in config["config"]["layers"] if one["class_name"] == class_name)


def setting(class_name: str, **values: Any) -> Callable[[Path, Path], None]:
    return with_config(lambda config: layer(config, class_name)["config"].update(values))


def inserted(class_name: str, module: str = "keras.layers", **values: Any) -> Callable[[Path, Path], None]:
    """Return what writes the file with a layer between its input and what follows."""

    def change(config: Config) -> None:
        layers = config["config"]["layers"]
        made = json.loads(json.dumps(layers[1]))
        made.update(name="put", class_name=class_name, module=module, registered_name=None, build_config={})
        made["config"] = {"name": "put", **values}
        tensor = layers[1]["inbound_nodes"][0]["args"][0]
        tensor["config"]["keras_history"] = ["put", 0, 0]
        layers.insert(1, made)

    return with_config(change)


def cycle(config: Config) -> None:
    layers = config["config"]["layers"]
    layers[1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [layers[-1]["name"], 0, 0]


def absent_node(config: Config) -> None:
    layers = config["config"]["layers"]
    layers[1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][1] = 10**9


def tensor_of(name: str, node: int) -> Config:
    """Return what a network's configuration calls the output of a layer's call."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 48, 48, 1], "dtype": "float32", "keras_history": [name, node, 0]},
    }


def calls(times: int, levels: int) -> Callable[[Config], None]:
    """Each network calls the one inside it some times: the calls multiply by every level."""

    def change(config: Config) -> None:
        layers = config["config"]["layers"]
        image = json.loads(json.dumps(layers[0]))
        inner = {"module": "keras.layers", "class_name": "ReLU", "config": {"name": "r"}, "registered_name": None,
                 "name": "r"}  # fmt: skip
        for level in range(levels):
            start = json.loads(json.dumps(image))
            start["name"] = start["config"]["name"] = f"i{level}"
            inner["inbound_nodes"] = [
                {
                    "args": [tensor_of(f"i{level}" if call == 0 else inner["name"], max(0, call - 1))],
                    "kwargs": {},
                }
                for call in range(times)
            ]
            inner = {
                "module": "keras.src.models.functional",
                "class_name": "Functional",
                "registered_name": "Functional",
                "name": f"m{level}",
                "config": {
                    "name": f"m{level}",
                    "trainable": True,
                    "layers": [start, inner],
                    "input_layers": [[f"i{level}", 0, 0]],
                    "output_layers": [[inner["name"], times - 1, 0]],
                },
            }
        inner["inbound_nodes"] = [{"args": [tensor_of(image["name"], 0)], "kwargs": {}}]
        layers[1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [inner["name"], 0, 0]
        layers.insert(1, inner)

    return change


def many_layers(config: Config) -> None:
    layers = config["config"]["layers"]
    before = layers[0]["name"]
    for number in range(15_000):
        node = {"args": [tensor_of(before, 0)], "kwargs": {}}
        before = f"r{number}"
        made = {
            "module": "keras.layers",
            "class_name": "ReLU",
            "config": {"name": before},
            "registered_name": None,
        }
        layers.insert(-2, {**made, "name": before, "inbound_nodes": [node]})


def through(*chain: tuple[str, Config]) -> Callable[[Config], None]:
    """Return what leads the picture through layers, of class and settings, before what follows."""

    def change(config: Config) -> None:
        layers = config["config"]["layers"]
        first, before = layers[1]["inbound_nodes"][0]["args"][0], layers[0]["name"]
        for number, (class_name, settings) in enumerate(chain):
            tensor = json.loads(json.dumps(first))
            tensor["config"]["keras_history"] = [before, 0, 0]
            before = f"put{number}"
            made = {
                "module": "keras.layers",
                "class_name": class_name,
                "config": {"name": before, **settings},
            }
            node = {"args": [tensor], "kwargs": {}}
            layers.insert(
                number + 1, {**made, "registered_name": None, "name": before, "inbound_nodes": [node]}
            )
        first["config"]["keras_history"] = [before, 0, 0]

    return change


def call_of(module: str, name: str, *arguments: Any) -> Config:
    """Return what Keras' deserialization takes for a call of a function or class of any module."""
    return {"module": module, "class_name": name, "config": {"args": arguments}, "registered_name": name}


WITNESS = "/tmp/fer-edge-hostile-witness"
UNSAFE = call_of("keras.config", "enable_unsafe_deserialization")
CODE: dict[str, Callable[[Path, Path], None]] = {
    "a function of os as initializer": setting("Dense", kernel_initializer=call_of("os", "system", f"touch {WITNESS}")),
    "a function by its name": setting("Dense", kernel_initializer={
        "module": "os", "class_name": "function", "config": "system", "registered_name": "system"}),
    "safe mode switched off": setting("Dense", kernel_initializer=UNSAFE),
    "a download as initializer": setting("Dense", bias_initializer={
        "module": "keras.utils", "class_name": "get_file", "registered_name": None,
        "config": {"fname": WITNESS, "origin": "file:///etc/hostname"}}),
    "a lambda as initializer": setting("Dense", kernel_initializer={
        "class_name": "__lambda__", "config": {"value": "4wEAAAA=", "defaults": None, "closure": None}}),
    "a lambda as activation": setting("Dense", activation={
        "class_name": "__lambda__", "config": {"value": "4wEAAAA=", "defaults": None, "closure": None}}),
    "an activation of os": setting("Dense", activation={"module": "os", "class_name": "function", "config": "abort",
                                                         "registered_name": "abort"}),
    "a layer of another module": with_config(lambda config: layer(config, "Dense").update(
        module="subprocess", class_name="Popen", config={"args": ["touch", WITNESS]})),
    "a registered name": with_config(lambda config: layer(config, "Dense").update(registered_name="os>system")),
    "a network compiled inside": with_config(lambda config: config.update(compile_config={
        "optimizer": call_of("os", "system", f"touch {WITNESS}"), "loss": UNSAFE})),
    "a layer compiled inside": with_config(lambda config: layer(config, "Dense").update(compile_config={
        "loss": UNSAFE})),
    "a vocabulary in a file": inserted("StringLookup", vocabulary="/etc/passwd"),
    "numbers' vocabulary in a file": inserted("IntegerLookup", vocabulary="/etc/passwd"),
    "a text's vocabulary in a file": inserted(
        "TextVectorization", max_tokens=None, standardize=None, split=None, ngrams=None, output_mode="int",
        output_sequence_length=None, pad_to_max_tokens=False, sparse=False, ragged=False, vocabulary="/etc/passwd",
        idf_weights=None, encoding="utf-8", vocabulary_size=2),
    "a SavedModel as layer": inserted("TFSMLayer", filepath="/tmp"),
    "a wrapped lambda": inserted("TimeDistributed", layer={
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}}),
    "operators that loop": inserted("WhileLoop", "keras.src.ops.core"),
}  # fmt: skip

NUMBERS: dict[str, Callable[[Path, Path], None]] = {
    "negative units": setting("Dense", units=-7),
    "units as text": setting("Dense", units="7; import os"),
    "units not a number": with_config(lambda config: json.dumps(config).replace('"units": 7', '"units": NaN')),
    "units without end": with_config(lambda config: json.dumps(config).replace('"units": 7', '"units": Infinity')),
    "units twice": with_config(lambda config: json.dumps(config).replace('"units": 7', '"units": 7, "units": 1000000')),
    "units a list": setting("Dense", units=[7, [7]]),
    "a kernel of a thousand million": setting("Conv2D", kernel_size=[10**9, 10**9]),
    "a kernel of 0": setting("Conv2D", kernel_size=[0, 0]),
    "no filters": setting("Conv2D", filters=0),
    "groups of 0": setting("Conv2D", groups=0),
    "strides of 0": setting("Conv2D", strides=[0, 0]),
    "strides of 2^40": setting("Conv2D", strides=[2**40, 2**40]),
    "dilation of a thousand million": setting("Conv2D", dilation_rate=[10**9, 10**9]),
    "padding by a word": setting("Conv2D", padding="\x1b[2J"),
    "channels first": setting("Conv2D", data_format="channels_first"),
    "no input shape": setting("InputLayer", batch_shape=None),
    "an input shape of text": setting("InputLayer", batch_shape=["a", "b", "c", "d"]),
    "a picture of no pixels": setting("InputLayer", batch_shape=[None, 0, 0, 1]),
    "negative pixels": setting("InputLayer", batch_shape=[None, -48, -48, 1]),
    "a batch of 2^31": setting("InputLayer", batch_shape=[2**31, 48, 48, 1]),
    "a sparse input": setting("InputLayer", sparse=True),
    "an input of texts": setting("InputLayer", dtype="string"),
    "a precision that is none": setting("Dense", dtype="float7"),
    "complex numbers": setting("Dense", dtype="complex128"),
    "a precision of another module": setting("Dense", dtype=call_of("os", "getcwd")),
    "a name with control characters": setting("Dense", name="\x1b[2J\r\n../../x\x00"),
    "a name that is a list": setting("Dense", name=[1]),
    "two layers of one name": setting("Dense", name="flatten"),
    "a built shape": with_config(lambda config: layer(config, "Dense").update(
        build_config={"input_shape": [10**6, 10**6, 10**6]})),
    "a scale not a number": inserted("Rescaling", scale=float("nan"), offset=0.0),
    "a scale of text": inserted("Rescaling", scale="1", offset=[]),
    "borders of a thousand million": inserted("ZeroPadding2D", padding=[[10**9, 10**9], [10**9, 10**9]]),
    "enlarged by a thousand million": inserted("UpSampling2D", size=[10**9, 10**9]),
    "resized to 2^40": inserted("Resizing", height=2**40, width=2**40),
    "repeated for ever": inserted("Repeat", "keras.src.ops.numpy", repeats=10**12, axis=1),
    "tiled for ever": inserted("Tile", "keras.src.ops.numpy", repeats=[1, 10**6, 10**6, 1]),
    "one hot of 10^12": inserted("CategoryEncoding", num_tokens=10**12, output_mode="multi_hot"),
    "a table of 10^12": inserted("Embedding", input_dim=10**12, output_dim=10**6),
    "a spectrogram of 2^30": inserted("STFTSpectrogram", frame_length=2**30, frame_step=1, fft_length=2**30),
    "a mel spectrogram of 2^28": inserted("MelSpectrogram", fft_length=2**28),
    "hashed into 10^18": inserted("Hashing", num_bins=10**18),
    "heads without number": inserted("MultiHeadAttention", num_heads=10**9, key_dim=10**9),
}  # fmt: skip

GRAPHS: dict[str, Callable[[Path, Path], None]] = {
    "a cycle": with_config(cycle),
    "a call that is not there": with_config(absent_node),
    "calls that multiply": with_config(calls(9, 9)),
    "15,000 layers": with_config(many_layers),
    "large pictures in every layer": with_config(through(
        ("UpSampling2D", {"size": 100}), *[("ReLU", {})] * 40, ("AveragePooling2D", {"pool_size": 100}))),
    "no layers": with_config(lambda config: config["config"].update(layers=[])),
    "layers that are none": with_config(lambda config: config["config"].update(layers=[None, 1, "x"])),
    "an output that is not there": with_config(lambda config: config["config"].update(output_layers=[["x", 9, 9]])),
    "no nodes": with_config(lambda config: layer(config, "Conv2D").update(inbound_nodes=None)),
    "a network of texts": with_config(lambda config: config.update(config="x")),
    "half a configuration": with_config(lambda config: json.dumps(config)[:-40]),
    "deep sequentials": with_config(
        lambda config: '{"class_name":"Sequential","config":{"layers":[' * 2000 + "]}}" * 2000),
    "surrogates": with_config(lambda config: json.dumps(config).replace("dense", "\\ud800")),
}  # fmt: skip
