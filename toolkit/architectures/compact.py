"""The model that ships: a plain chain of 3x3 convolutions.

510,000 parameters and 36 million multiply-accumulates in seven classes. Every layer is a 3x3 convolution with batch
normalisation and ReLU, because nothing else quantizes, folds and vectorises as well on small ARM cores: no branch
has to be kept in memory, no depthwise layer starves the dot-product units. In the manner of VGG (arXiv 1409.1556)
with batch normalisation, down-sampling by stride as in RepVGG's deployed form (arXiv 2101.03697).
"""

import keras
from keras import layers

# (width, convolutions) a stage; the first convolution of each stage halves the picture: 24, 12, 6 pixels.
STAGES = ((24, 4), (64, 3), (112, 4))
DROPOUT = 0.2


def build(class_count: int) -> keras.Model:
    """Return the untrained chain: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    for stage, (width, depth) in enumerate(STAGES, start=1):
        for step in range(1, depth + 1):
            name = f"stage{stage}_{step}"
            strides = 2 if step == 1 else 1
            x = layers.Conv2D(
                width, 3, strides, "same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
            )(x)
            x = layers.BatchNormalization(momentum=0.98, epsilon=1e-3, name=f"{name}_norm")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(DROPOUT, name="features")(x)
    logits = layers.Dense(class_count, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="compact")
