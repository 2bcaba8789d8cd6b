"""mini-XCEPTION: residual separable blocks and a global average in place of dense layers (arXiv 1710.07557).

58,000 parameters, as in the paper, and 5.5 million multiply-accumulates; the network
behind the ``fer`` package, here on 48x48 instead of 64x64 pixels.
"""

import keras
from keras import layers

WIDTHS = (16, 32, 64, 128)


def build(name: str, class_count: int) -> keras.Model:
    """Return the untrained network: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0, name="rescale")(image)
    for step in (1, 2):
        x = layers.Conv2D(8, 3, use_bias=False, name=f"stem{step}_conv")(x)
        x = layers.BatchNormalization(momentum=0.98, name=f"stem{step}_norm")(x)
        x = layers.ReLU(name=f"stem{step}_relu")(x)
    for step, width in enumerate(WIDTHS, start=1):
        x = separable_block(x, width, f"block{step}")
    x = layers.Conv2D(class_count, 3, padding="same", dtype="float32", name="class_maps")(x)
    x = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    logits = layers.Dense(class_count, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name=name)


def separable_block(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    """Return two separable convolutions and a pooling, with a strided 1x1 convolution around them."""
    around = layers.Conv2D(width, 1, 2, "same", use_bias=False, name=f"{name}_around_conv")(x)
    around = layers.BatchNormalization(momentum=0.98, name=f"{name}_around_norm")(around)
    for step in (1, 2):
        x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=f"{name}_{step}_conv")(x)
        x = layers.BatchNormalization(momentum=0.98, name=f"{name}_{step}_norm")(x)
        if step == 1:
            x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.MaxPooling2D(3, 2, "same", name=f"{name}_pool")(x)
    return layers.Add(name=f"{name}_add")([x, around])
