"""The plain chain that ``compact``, ``small`` and ``wide`` are made of."""

from collections.abc import Sequence

import keras
from keras import layers

from toolkit.training.architectures.classifier import classifier


def build_chain(
    name: str, stages: Sequence[tuple[int, int]], dropout: float, class_count: int
) -> keras.Model:
    """Return an untrained chain: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out.

    ``stages`` are (width, convolutions); the first convolution of each halves the picture: 24, 12, 6, 3 pixels.
    Every layer is a 3x3 convolution with batch normalisation and ReLU. In the manner of VGG (arXiv 1409.1556) with
    batch normalisation, down-sampling by stride as in RepVGG's deployed form (arXiv 2101.03697).
    """
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    for stage, (width, depth) in enumerate(stages, start=1):
        for step in range(1, depth + 1):
            prefix = f"stage{stage}_{step}"
            x = convolve(x, width, 3, 2 if step == 1 else 1, prefix)
            x = layers.ReLU(name=f"{prefix}_relu")(x)
    return classifier(image, x, dropout, class_count, name)


def convolve(x: keras.KerasTensor, width: int, side: int, strides: int, prefix: str) -> keras.KerasTensor:
    """Return ``x`` after a convolution of ``side`` x ``side`` and batch normalisation."""
    convolution = layers.Conv2D(
        width,
        side,
        strides,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{prefix}_conv",
    )
    return normalize(convolution(x), prefix)


def normalize(x: keras.KerasTensor, prefix: str) -> keras.KerasTensor:
    """Return ``x`` after batch normalisation."""
    return layers.BatchNormalization(momentum=0.98, epsilon=1e-3, name=f"{prefix}_norm")(x)
