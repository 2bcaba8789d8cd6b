"""What a classifier's outputs are: probabilities of one choice, a probability each, or logits."""

from typing import TYPE_CHECKING, Any

import numpy as np

from device.errors import EdgeError

if TYPE_CHECKING:
    import keras

SOFTMAX, SIGMOIDS, LOGITS = "softmax", "sigmoid a class", "logits"
ACTIVATION_HEADS = {"softmax": SOFTMAX, "sigmoid": SIGMOIDS}
# Layers after which the outputs are what they were before.
PASSING = ("Reshape", "Flatten", "Dropout", "Identity", "Cast")


def final_activation(model: "keras.Model") -> tuple[Any, str] | None:
    """Return the operation that gives a model's outputs their meaning, and its activation's name; None if unknown.

    An operation without activation (Dense, pooling) has 'linear'; a SavedModel does not tell.
    """
    tensor = model.outputs[0]
    while True:
        operation = tensor._keras_history.operation
        kind = type(operation).__name__
        if kind == "TFSMLayer":
            return None
        if hasattr(operation, "layers"):
            tensor = operation.outputs[tensor._keras_history.tensor_index]
            continue
        if kind == "Softmax" or kind == "Sigmoid":  # a layer, or keras.ops' operation
            return operation, kind.lower()
        name = _activation_name(getattr(operation, "activation", None))
        inputs = operation._inbound_nodes[tensor._keras_history.node_index].input_tensors
        if name == "linear" and (kind in (*PASSING, "Activation")) and len(inputs) == 1:
            tensor = inputs[0]
            continue
        return operation, name


def _activation_name(activation: Any) -> str:
    """Return the name of a function, or of a layer that serves as one: Dense(7, activation=Softmax())."""
    import keras

    if activation is None:
        return "linear"
    if isinstance(activation, keras.layers.Activation):
        return _activation_name(activation.activation)
    return str(getattr(activation, "__name__", type(activation).__name__.lower()))


def head_of(model: "keras.Model", answers: np.ndarray) -> str:
    """Return what a model puts out, by its last activation, else by its ``answers`` (N, C) to any faces."""
    found = final_activation(model)
    if found is not None and found[1] in ACTIVATION_HEADS:
        return ACTIVATION_HEADS[found[1]]
    if found is not None and found[1] == "linear" and _has_unbounded_output(found[0]):
        return LOGITS
    if (answers < 0).any() or (answers > 1).any():
        return LOGITS
    return SOFTMAX if np.allclose(answers.sum(axis=1), 1, atol=1e-3) else SIGMOIDS


def _has_unbounded_output(operation: Any) -> bool:
    """Return whether an operation is a layer of weights, whose outputs may be any number."""
    return bool(getattr(operation, "kernel", None) is not None)


def single_logit(path: object, model: "keras.Model", answers: np.ndarray) -> None:
    """Change a model of one output so that it puts out the logit of the second of two classes.

    Raises EdgeError where its output is neither the sigmoid of a layer nor a logit, or where the model does not tell.
    """
    found = final_activation(model)
    if found is None:
        raise EdgeError(
            f"{path} has one output and a SavedModel does not tell whether it is a probability; save the network as "
            "model.save('model.keras') and name that"
        )
    operation, name = found
    if name == "softmax":
        raise EdgeError(f"{path} has a softmax over one output, which is always 1; train it with two outputs")
    if name == "sigmoid" and hasattr(operation, "activation"):
        import keras

        operation.activation = keras.activations.linear
    elif name != "linear" or (
        answers.min() >= 0 and answers.max() <= 1 and not _has_unbounded_output(operation)
    ):
        behind = "keras.ops.sigmoid, which no layer holds" if name == "sigmoid" else f"'{name}'"
        raise EdgeError(
            f"{path} has one output behind {behind}, expected a layer's sigmoid or a logit; end the network in "
            "Dense(1, activation='sigmoid') or in two outputs with a softmax"
        )
