"""Two dense layers on raw pixels: the floor that any convolution must beat.

625,000 parameters and as many multiply-accumulates; the multilayer perceptron of every textbook.
"""

import keras
from keras import layers


def build(name: str, class_count: int) -> keras.Model:
    """Return the untrained network: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    x = layers.Flatten(name="flatten")(x)
    for step, width in enumerate((256, 128), start=1):
        x = layers.Dense(width, use_bias=False, name=f"dense{step}")(x)
        x = layers.BatchNormalization(momentum=0.98, name=f"dense{step}_norm")(x)
        x = layers.ReLU(name=f"dense{step}_relu")(x)
    x = layers.Dropout(0.3, name="features")(x)
    logits = layers.Dense(class_count, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name=name)
