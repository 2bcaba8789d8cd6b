"""The end of a network: from the features of places in the face to logits."""

import keras
from keras import layers


def classifier(
    image: keras.KerasTensor, x: keras.KerasTensor, dropout: float, class_count: int, name: str
) -> keras.Model:
    """Return the network from ``image`` to (N, class_count) float32 logits of ``x``, (N, H, W, C), averaged over H, W.

    ``dropout``: the share of the C features left out in training.
    """
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout, name="features")(x)
    logits = layers.Dense(class_count, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name=name)
