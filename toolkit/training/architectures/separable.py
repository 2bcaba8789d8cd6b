"""Depthwise separable convolutions in the manner of MobileNet (arXiv 1704.04861), sized for 48x48 faces.

232,000 parameters, 17 million multiply-accumulates; but depthwise layers gain less from int8 than plain ones do.
"""

import keras
from keras import layers

from toolkit.training.architectures.chain import normalize
from toolkit.training.architectures.classifier import classifier

# (width, blocks) a stage; the first block of each stage halves the picture: 12, 6 pixels after the stem's 24.
STAGES = ((64, 2), (128, 3), (256, 3))


def build(name: str, class_count: int) -> keras.Model:
    """Return the untrained network: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    x = norm_relu(layers.Conv2D(32, 3, 2, "same", use_bias=False, name="stem_conv")(x), "stem")
    for stage, (width, blocks) in enumerate(STAGES, start=1):
        for step in range(1, blocks + 1):
            prefix = f"stage{stage}_{step}"
            strides = 2 if step == 1 and stage > 1 else 1
            depthwise = layers.DepthwiseConv2D(3, strides, "same", use_bias=False, name=f"{prefix}_depthwise")
            x = norm_relu(depthwise(x), f"{prefix}_depthwise")
            x = norm_relu(layers.Conv2D(width, 1, use_bias=False, name=f"{prefix}_conv")(x), prefix)
    return classifier(image, x, 0.2, class_count, name)


def norm_relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Return ``x`` after batch normalisation and ReLU."""
    return layers.ReLU(name=f"{name}_relu")(normalize(x, name))
