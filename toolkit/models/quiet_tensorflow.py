"""Importing TensorFlow and Keras without their start-up notes, which C++ writes on standard error."""

import os

from device.quiet import silenced


def import_quietly() -> None:
    """Import Keras and its backend once, silently; later imports cost nothing.

    TensorFlow is imported only where it is the backend: with ``KERAS_BACKEND=jax`` or ``torch`` it may be absent.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with silenced(2):
        import keras

        keras.ops.zeros(())  # TensorFlow's first operation writes the note about processor features
