"""What quantization does to each layer: its own error, the error that has gathered before it, and what that
costs.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from device.errors import UsageError
from device.model.file.operator_names import OPERATOR_NAMES
from device.model.file.tflite_file import TfliteFile
from device.text import did_you_mean
from toolkit.quantization.conversion.numeric_verify import layer_outputs

# Operators that only move numbers about: nothing to keep in float.
MOVING = ("RESHAPE", "QUANTIZE", "DEQUANTIZE", "SQUEEZE", "EXPAND_DIMS", "SHAPE", "PACK", "STRIDED_SLICE")
WEIGHTED_OPERATIONS = ("convolution", "depthwise", "MatMul")
SMALLEST_POWER = 1e-20


@dataclass(frozen=True)
class Layer:
    """An operator with its fused parts. ``name``: the Keras layer's; ``node``: the tensor it writes."""

    name: str
    operator: str
    node: str


@dataclass(frozen=True)
class LayerError:
    """What int8 does to one layer, over some faces.

    ``snr_db``: power of the float output over power of the layer's own error, both computed from the same
    quantized input; ``worst_channel_snr_db`` and ``median_channel_snr_db``: the same by output channel;
    ``cosine``: of the float and the quantized output; ``output_error``: mean absolute change of the probabilities
    where this layer alone is int8.
    """

    name: str
    operator: str
    snr_db: float
    worst_channel_snr_db: float
    median_channel_snr_db: float
    cosine: float
    output_error: float

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and names; ``output_error`` keeps the key of the first version, ``damage``."""
        named = {**asdict(self), "damage": self.output_error}
        del named["output_error"]
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in named.items()}


def layers_of(file: TfliteFile, keras_names: Sequence[str]) -> tuple[Layer, ...]:
    """Return the operators of a float file as layers, by the names of the Keras layers they were."""
    layers: list[Layer] = []
    for operator in file.operators:
        if operator.name in MOVING:
            continue
        node = file.tensors[operator.outputs[0]].name
        name = layer_name(node, keras_names) or operator.name.lower()
        taken = sum(layer.name == name or layer.name.startswith(f"{name}#") for layer in layers)
        layers.append(Layer(f"{name}#{taken + 1}" if taken else name, operator.name, node))
    return tuple(layers)


def layer_name(node: str, keras_names: Sequence[str]) -> str | None:
    """Return the Keras layer behind the tensor ``node``, the convolution rather than what was fused into it.

    The converter joins the names of what it fused by ';', each the path of an operation, and makes the name
    of a layer unique by a number after it.
    """
    found: dict[str, str] = {}
    for path in node.split(";"):
        *scopes, operation = path.split("/")
        for scope in reversed(scopes):
            candidates = (re.sub(r"_\d+$", "", scope), scope)
            name = next((candidate for candidate in candidates if candidate in keras_names), None)
            if name is not None:
                found.setdefault(operation, name)
                break
    weighted = (name for operation, name in found.items() if operation.startswith(WEIGHTED_OPERATIONS))
    return next(weighted, next(iter(found.values()), None))


def refuse_unknown_layers(names: Iterable[str], keras_names: Sequence[str]) -> None:
    """Raise UsageError for a name that ``layers_of`` gives no layer, as far as ``keras_names`` tell it: before a
    conversion."""
    for name in names:
        plain = re.sub(r"#\d+$", "", name)
        if plain not in keras_names and plain.upper() not in OPERATOR_NAMES:
            raise unknown_layer(name, keras_names)


def unknown_layer(name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a layer that is not there to be kept in float."""
    known = list(known)
    return UsageError(
        f"`keep_float`: there is no layer '{name}'; {did_you_mean(name, known)}there are: {', '.join(known)}"
    )


def measure_layers(
    verifying: bytes,
    layers: Sequence[Layer],
    inputs: np.ndarray,
    output_errors: Callable[[Sequence[Layer]], Iterable[float]],
) -> tuple[LayerError, ...]:
    """Return the error of each layer that became int8.

    verifying: a file of ``Conversion.verifying``; inputs: its stored inputs ``(N, h, w, c) int8``; output_errors:
    gives what each of some layers costs when it alone is int8.
    """
    sums: dict[tuple[str, str], _Sums] = {}
    for nodes, exact, stored, _ in layer_outputs(verifying, inputs):
        sums.setdefault(nodes, _Sums()).add(exact, stored)
    by_node = {node: kept for nodes, kept in sums.items() for node in nodes}
    became = [layer for layer in layers if layer.node in by_node]
    return tuple(
        LayerError(layer.name, layer.operator, **by_node[layer.node].figures(), output_error=error)
        for layer, error in zip(became, output_errors(became), strict=True)
    )


class _Sums:
    """Running sums over faces, by channel, of what the figures need."""

    def __init__(self) -> None:
        self.exact2 = self.stored2 = self.product = self.error2 = np.zeros(1)

    def add(self, exact: np.ndarray, stored: np.ndarray) -> None:
        # A twin in float32 may run to infinity, as in a division by what was rounded to 0.
        finite = (np.nan_to_num(array.astype(np.float32)).astype(np.float64) for array in (exact, stored))
        exact, stored = (array.reshape(-1, array.shape[-1]) for array in finite)
        self.exact2 = self.exact2 + (exact**2).sum(axis=0)
        self.stored2 = self.stored2 + (stored**2).sum(axis=0)
        self.product = self.product + (exact * stored).sum(axis=0)
        self.error2 = self.error2 + ((exact - stored) ** 2).sum(axis=0)

    def figures(self) -> dict[str, float]:
        used = self.exact2 > SMALLEST_POWER  # a channel that is always 0 has no ratio
        channels = _decibel(self.exact2[used], self.error2[used]) if used.any() else np.zeros(1)
        norm = np.sqrt(self.exact2.sum() * self.stored2.sum())
        return {
            "snr_db": float(_decibel(self.exact2.sum(), self.error2.sum())),
            "worst_channel_snr_db": float(channels.min()),
            "median_channel_snr_db": float(np.median(channels)),
            "cosine": float(self.product.sum() / norm) if norm > 0 else 1.0,
        }


def _decibel(power: np.ndarray, error: np.ndarray) -> np.ndarray:
    ratio = np.maximum(power, SMALLEST_POWER) / np.maximum(error, SMALLEST_POWER)
    return np.asarray(10 * np.log10(ratio))
