"""Batch normalisation multiplied into the convolution before it: half the work of a network that only answers."""

import collections
from typing import Any

import keras
import numpy as np

from toolkit.training.given_weights import give_weights

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


class Folded(keras.layers.Layer):  # type: ignore[misc]
    """What is left of a normalisation; it is called as one was."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return inputs


def folded(model: keras.Model) -> keras.Model:
    """Return a copy of a functional ``model`` that answers alike, without the normalisations that follow a convolution.

    Those of a convolution that something else reads too, or that has an activation of its own, stay.
    """
    norms = _norms_by_convolution(model)
    gone = {norm.name for norm in norms.values()}

    def copy(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if layer.name in gone:
            return Folded(name=layer.name, dtype=config["dtype"])
        if layer.name in norms:
            config["use_bias"] = True
        return type(layer).from_config(config)

    faster = keras.models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        if layer.name in norms:
            give_weights(faster.get_layer(layer.name), _multiplied(layer, norms[layer.name]))
        elif layer.name not in gone and getattr(layer, "weights", None):
            give_weights(faster.get_layer(layer.name), layer.get_weights())
    return faster


def _norms_by_convolution(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Return the normalisation to fold into each convolution, by the convolution's name.

    None at all where a layer is called twice: what reads what is then more than ``input`` and ``output`` tell.
    """
    if any(len(entry.get("inbound_nodes", ())) > 1 for entry in model.get_config()["layers"]):
        return {}
    makers = {id(layer.output): layer for layer in model.layers if type(layer) in CONVOLUTIONS}
    readers = collections.Counter(
        id(tensor)
        for tensors in (*(layer.input for layer in model.layers), model.outputs)
        for tensor in keras.tree.flatten(tensors)
    )
    norms = {}
    for layer in model.layers:
        if type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, 3):
            convolution = makers.get(id(layer.input))
            if convolution is None or readers[id(layer.input)] > 1:
                continue
            if convolution.activation is keras.activations.linear:
                norms[convolution.name] = layer
    return norms


def _multiplied(convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Return kernel and bias of ``convolution`` with what ``norm`` does to its outputs."""
    kernel, *biases = convolution.get_weights()
    to_numpy = keras.ops.convert_to_numpy
    factors = 1 / np.sqrt(to_numpy(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        factors = factors * to_numpy(norm.gamma)
    bias = (sum(biases) - to_numpy(norm.moving_mean)) * factors
    if norm.center:
        bias = bias + to_numpy(norm.beta)
    # The output channels are the kernel's last axis; of a depthwise one, (H, W, C, M), the last two.
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    return [kernel * factors.reshape(kernel.shape[2:] if depthwise else -1), bias]
