"""A textbook CNN: three convolutions with pooling and a wide dense layer.

1.27 million parameters, most of them in the dense layer, and 23 million multiply-accumulates. What most tutorials on
FER2013 train; here for comparison.
"""

import keras
from keras import layers


def build(name: str, class_count: int) -> keras.Model:
    """Return the untrained network: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    for step, width in enumerate((32, 64, 128), start=1):
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{step}")(x)
        x = layers.MaxPooling2D(name=f"pool{step}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(256, activation="relu", name="dense")(x)
    x = layers.Dropout(0.5, name="features")(x)
    logits = layers.Dense(class_count, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name=name)
