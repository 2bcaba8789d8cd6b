"""Teachers: trained models whose mean probabilities a student learns from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.models.head import SOFTMAX
from toolkit.models.keras_file import load_keras_model, read_keras_metadata
from toolkit.models.network import FloatNetwork, open_network
from toolkit.training.acceleration import accelerated
from toolkit.training.batches import Batch
from toolkit.training.distillation.folding import folded
from toolkit.training.distillation.teacher_cache import TeacherCache
from toolkit.training.pixels import fitted, in_gray

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


def open_teacher(path: Path) -> FloatNetwork:
    """Return the network of a teacher's file; EdgeError unless that tells its classes and the pixels that it takes."""
    save = "save_model(model, 'teacher.keras', {'labels': [...], 'pixel_range': '0..1'}) of toolkit.models.keras_file"
    if not path.is_file() or not (read_keras_metadata(path) or {}).get("labels"):
        load_keras_model(path)  # which says what is no model at all
        raise EdgeError(
            f"the teacher {path} names no classes; expected a .keras that 'toolkit train' wrote, or one saved by {save}"
        )
    network = open_network(path)
    if not network.range_is_known:
        raise EdgeError(
            f"the teacher {path} does not tell which pixel values it takes; expected a network that scales 0..255 "
            f"itself, or one saved by {save}"
        )
    return network


def as_teacher(network: FloatNetwork, classes: tuple[str, ...], dtype_policy: str) -> Teacher:
    """Return ``network`` as a teacher of ``classes``, computing under ``dtype_policy``.

    A teacher that knows more classes gives the shares among the student's. EdgeError if it does not know them all.
    """
    unknown = [name for name in classes if name not in network.labels]
    if unknown:
        raise EdgeError(
            f"the teacher {network.path} does not know '{unknown[0]}'; expected all of {', '.join(classes)}, it knows "
            f"{', '.join(network.labels)}; choose another teacher or other `classes`"
        )
    columns = [network.labels.index(name) for name in classes]
    # As training writes them: pixels of 0..255 in, a row of probabilities out.
    plain = (
        network.pixel_range == "0..255"
        and network.head == SOFTMAX
        and len(network.original.output_shape) == 2
    )
    model, largest = (network.original, 255) if plain else (network.model, 1)
    fast = accelerated(folded(model), dtype_policy)

    def probabilities(images: np.ndarray) -> np.ndarray:
        seen = fitted(images if network.colour else in_gray(images), network.input_shape) * (largest / 255)
        shares = np.asarray(fast.predict_on_batch(seen), np.float32)[:, columns]
        among: np.ndarray = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-8)
        return among

    return probabilities


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log(p) / temperature) of (B, C) probabilities, float32."""
    logits = np.log(np.maximum(probabilities, 1e-8)) / temperature
    shares: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
