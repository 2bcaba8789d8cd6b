"""Fewer messages from TensorFlow and Keras: no start-up notes on standard error, errors in one line."""

import logging
import os
import re

from device.quiet import silenced


def import_quietly() -> None:
    """Import Keras and its backend once, silently; later imports cost nothing.

    TensorFlow is imported only where it is the backend: with ``KERAS_BACKEND=jax`` or ``torch`` it may be absent.
    Its warnings, of functions made anew for another network or of values that nobody takes, are no user's business.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with silenced(2):
        import keras

        keras.ops.zeros(())  # TensorFlow's first operation writes the note about processor features
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def reason_of(error: Exception) -> str:
    """Return what Keras raised as one line: its cause, without marks of a terminal or of ours, and without the numbers
    that a layer was called with."""
    text = " ".join(re.sub(r"\x1b\[\d+m", "", str(error)).split()).partition(" Arguments received by ")[0]
    text = re.sub(r"^Exception encountered when calling [\w.]+\(\)\. ", "", text)
    return text.rpartition("Exception encountered: ")[2].replace("`", "'")
