"""Teachers: trained models whose mean probabilities a student learns from."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from device.errors import EdgeError
from toolkit.models.keras_file import read_keras_metadata
from toolkit.training.acceleration import accelerated
from toolkit.training.batches import Batch
from toolkit.training.distillation.folding import folded
from toolkit.training.distillation.teacher_cache import TeacherCache
from toolkit.training.student import fitted, in_gray

# (B, 48, 48, 1 or 3) float32 0..255 -> (B, C) float32 probabilities
Teacher = Callable[[np.ndarray], np.ndarray]


class TeacherPanel:
    """All teachers of a training as one, their mean.

    Where the recipe's views come again epoch after epoch, so do the answers in ``cache``: each view of each face is put
    to the teachers once, with its mirror image, because the answer, the mean of both, serves both.
    """

    def __init__(self, teachers: list[Teacher], cache: TeacherCache):
        self.teachers = teachers
        self.cache = cache

    def probabilities(self, batch: Batch) -> np.ndarray:
        """Return the teachers' mean probabilities of ``batch``, (B, C) float32."""
        if batch.view is None:
            return self.ask(batch.images)
        missing = np.flatnonzero(np.isnan(self.cache.read(batch.view, batch.rows)).any(axis=1))
        if len(missing):
            # The few faces that an epoch left over come up one by one in the next; every new size of a batch is
            # compiled anew, and so there are only powers of two and the whole.
            size = min(1 << int(len(missing) - 1).bit_length(), len(batch.rows))
            asked = np.resize(missing, size)
            images = batch.images[asked]
            answers = (self.ask(images) + self.ask(images[:, :, ::-1])) / 2
            self.cache.write(batch.view, batch.rows[asked], answers)
        return self.cache.read(batch.view, batch.rows)

    def ask(self, images: np.ndarray) -> np.ndarray:
        """Return the mean of what all teachers answer to ``images``."""
        mean: np.ndarray = np.mean([teacher(images) for teacher in self.teachers], axis=0)
        return mean


def as_teacher(model: keras.Model, path: Path, classes: tuple[str, ...], dtype_policy: str) -> Teacher:
    """Return ``model``, of the file at ``path``, as a teacher of ``classes``, computing under ``dtype_policy``.

    A teacher that knows more classes gives the shares among the student's. EdgeError if it does not know them all.
    """
    metadata = read_keras_metadata(path) or {}
    labels = tuple(metadata.get("labels", ()))
    colour = metadata.get("colour") is True
    unknown = [name for name in classes if name not in labels]
    if unknown:
        raise EdgeError(
            f"the teacher {path} does not know '{unknown[0]}'; expected all of {', '.join(classes)}, it knows "
            f"{', '.join(labels) or 'no labels'}; choose another teacher or other `classes`"
        )
    columns = [labels.index(name) for name in classes]
    shape = model.input_shape[1:]
    fast = accelerated(folded(model), dtype_policy)

    def probabilities(images: np.ndarray) -> np.ndarray:
        seen = fitted(images if colour else in_gray(images), shape)
        shares = np.asarray(fast.predict_on_batch(seen), np.float32)[:, columns]
        among: np.ndarray = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-8)
        return among

    return probabilities


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log(p) / temperature) of (B, C) probabilities, float32."""
    logits = np.log(np.maximum(probabilities, 1e-8)) / temperature
    shares: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
