"""A network of two hundred weights."""

import keras


def build(classes: int = 7) -> keras.Model:
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.AveragePooling2D(12), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((48, 48, 1)), *layers, keras.layers.Dense(classes)])
