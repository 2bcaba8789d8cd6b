"""Convolutions of kernel 1 with strides, computed without strides.

TensorFlow 2.21 writes beyond its memory in the gradient of the strided ones where few channels enter (oneDNN, AVX2; 1
to 3 channels at stride 2), and of the transposed ones with 8 as well: the process ends by a signal.
"""

from typing import Any

import keras
from keras import ops


class Strideless(keras.layers.Layer):  # type: ignore[misc]
    """Mixed into a convolution of kernel 1: its strides are ``steps``, and what it computes has none."""

    def __init__(self, strides: tuple[int, ...], **options: Any):
        super().__init__(strides=1, **options)
        self.steps = strides

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strides": self.steps}


class Sampled(Strideless):
    """The same numbers, of the pixels that the convolution looks at."""

    def call(self, inputs: Any) -> Any:
        return super().call(inputs[:, *(slice(None, None, step) for step in self.steps)])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        batch, *sizes, channels = input_shape
        sizes = [size and -(-size // step) for size, step in zip(sizes, self.steps, strict=True)]
        return super().compute_output_shape((batch, *sizes, channels))


class Spread(Strideless):
    """The same numbers, of the pixels that the transposed convolution looks at, with zeros between them."""

    def call(self, inputs: Any) -> Any:
        for axis, step in enumerate(self.steps, start=1):
            shape = list(ops.shape(inputs))
            between = [(0, 0)] * (len(shape) + 1)
            between[axis + 1] = (0, step - 1)
            spread = ops.pad(ops.expand_dims(inputs, axis + 1), between)
            inputs = ops.reshape(spread, (*shape[:axis], shape[axis] * step, *shape[axis + 1 :]))
        return super().call(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        batch, *sizes, channels = input_shape
        sizes = [size and size * step for size, step in zip(sizes, self.steps, strict=True)]
        return super().compute_output_shape((batch, *sizes, channels))


KINDS = {
    kind: type(f"{how.__name__}{kind.__name__}", (how, kind), {})
    for how, kinds in {
        Sampled: (
            keras.layers.Conv1D,
            keras.layers.Conv2D,
            keras.layers.DepthwiseConv1D,
            keras.layers.DepthwiseConv2D,
            keras.layers.SeparableConv1D,
            keras.layers.SeparableConv2D,
        ),
        Spread: (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose),
    }.items()
    for kind in kinds
}


def strideless(layer: keras.layers.Layer) -> type[keras.layers.Layer] | None:
    """Return the class that computes ``layer`` without strides; None for one that needs none.

    >>> kind = strideless(keras.layers.Conv2D(8, 1, strides=2)); kind.from_config(layer.get_config())
    """
    kind = KINDS.get(type(layer))
    if (
        kind is None
        or layer.data_format != "channels_last"
        or getattr(layer, "output_padding", None) is not None
    ):
        return None
    return kind if max(layer.kernel_size) == 1 < max(layer.strides) else None
