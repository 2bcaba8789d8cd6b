"""Plain chains of 3x3 convolutions.

Nothing else quantizes, folds and vectorises as well on small ARM cores: no branch has to be kept in memory, no
depthwise layer starves the dot-product units. Widths are multiples of 16, because int8 kernels work in tiles: a first
stage of 24 cost a tenth of int8's gain. The last stage sees 3x3 pixels, where half the parameters cost an eighth of the
work. Parameters and multiply-accumulates are those of seven classes.
"""

from collections.abc import Sequence

import keras
from keras import layers

from toolkit.training.architectures.classifier import classifier

Stages = Sequence[tuple[int, int]]

# The stages of each, as (width, convolutions), and the dropout before its last layer.
CHAINS: dict[str, tuple[Stages, float]] = {
    # The model that the device carries: 853,000 parameters and 33 million multiply-accumulates.
    "compact": (((32, 2), (64, 3), (112, 3), (176, 2)), 0.2),
    # The fast model that ships: 924,000 parameters and 22 million multiply-accumulates, two thirds of compact's. The
    # convolutions taken away are those at 24x24 and 12x12 pixels, where few weights do much of the work.
    "small": (((16, 1), (48, 3), (112, 3), (208, 2)), 0.2),
    # The teacher of compact: 2.1 million parameters and 93 million multiply-accumulates, too dear for a small board,
    # and there to be learnt from (toolkit train --arch compact --teacher wide.keras).
    "wide": (((48, 3), (96, 3), (192, 3), (256, 2)), 0.3),
}


def build(name: str, class_count: int) -> keras.Model:
    """Return the untrained chain of CHAINS: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_chain(name, *CHAINS[name], class_count)


def build_chain(name: str, stages: Stages, dropout: float, class_count: int) -> keras.Model:
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
