"""Teachers: trained models whose probabilities a student learns from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.keras_file import load_keras_model, read_keras_metadata

# (B, 48, 48, 1) float32 gray 0..255 -> (B, C) float32 probabilities
Teacher = Callable[[np.ndarray], np.ndarray]


def load_teacher(path: Path, classes: tuple[str, ...]) -> Teacher:
    """Return the model at ``path`` as a teacher; EdgeError if its labels are not exactly ``classes``."""
    model = load_keras_model(path)
    labels = tuple((read_keras_metadata(path) or {}).get("labels", ()))
    if labels != classes:
        raise EdgeError(
            f"the teacher {path} knows {', '.join(labels) or 'no labels'}; expected the student's, in this order: "
            f"{', '.join(classes)}; choose another teacher or other --classes"
        )
    return lambda images: np.asarray(model.predict_on_batch(images), np.float32)


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log(p) / temperature) of (B, C) probabilities, float32."""
    logits = np.log(np.maximum(probabilities, 1e-8)) / temperature
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
