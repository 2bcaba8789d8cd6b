"""Layers that go through a sequence step by step: GRU, LSTM and their kind."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# A longer sequence stays a loop: unrolled, its steps would be thousands of operators.
LONGEST_UNROLLED = 128


def recurrent_layers(model: "keras.Model") -> list[Any]:
    """Return the recurrent layers of a model and of the models inside it; of a Bidirectional both directions."""
    import keras

    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


def unroll(model: "keras.Model") -> None:
    """Let the recurrent layers compute their steps one after the other, without a loop, where they are few.

    What the model computes stays the same; a graph without loops runs in every TFLite runtime.
    """
    for layer in recurrent_layers(model):
        steps = (layer.get_build_config() or {}).get("input_shape", (None, None))[1]
        if steps is not None and steps <= LONGEST_UNROLLED:
            layer.unroll = True
