"""Importing TensorFlow and Keras without their start-up notes, which C++ writes on standard error."""

import os

from device.quiet import silenced


def import_quietly() -> None:
    """Import TensorFlow and Keras once, silently; later imports of them cost nothing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with silenced(2):
        import keras  # noqa: F401
        import tensorflow as tf

        tf.constant(0)  # the first operation writes the note about processor features
