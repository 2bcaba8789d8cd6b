"""A float Keras classifier as the quantizer sees it: pixels over 255 in, probabilities out, whatever it was
built as.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model, read_keras_metadata

if TYPE_CHECKING:
    import keras

# What a network expects of a pixel, by name: (factor, offset) on pixel / 255.
PIXEL_RANGES = {"0..255": (255.0, 0.0), "0..1": (1.0, 0.0), "-1..1": (2.0, -1.0)}
BATCH = 128


@dataclass(frozen=True)
class FloatNetwork:
    """A loaded classifier. ``model`` takes ``(N, h, w, c) float32`` of 0..1 and gives probabilities ``(N,
    C)``.
    """

    path: Path
    original: "keras.Model"
    model: "keras.Model"
    labels: tuple[str, ...]
    pixel_range: str
    range_is_known: bool
    metadata: dict

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return tuple(self.model.input_shape[1:])

    def with_pixel_range(self, pixel_range: str) -> "FloatNetwork":
        """Return the same network fed otherwise."""
        return replace(self, model=_normal_form(self.original, pixel_range), pixel_range=pixel_range)

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Turn ``(N, H, W) uint8`` gray into the network's input, ``(N, h, w, c) float32`` of 0..1."""
        height, width, channels = self.input_shape
        if images.shape[1:] != (height, width):
            way = cv2.INTER_AREA if images.shape[1] >= height else cv2.INTER_LINEAR
            images = np.stack([cv2.resize(image, (width, height), interpolation=way) for image in images])
        return np.repeat(images[..., None].astype(np.float32) / 255, channels, axis=3)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return ``(N, C) float32`` probabilities of ``(N, H, W) uint8`` gray faces."""
        starts = range(0, len(images), BATCH)
        return np.concatenate([_ask(self.model, self.prepare(images[i : i + BATCH])) for i in starts])


def open_network(
    path: str | Path, labels: tuple[str, ...] | None = None, pixel_range: str | None = None
) -> FloatNetwork:
    """Load a Keras classifier; ``labels`` and ``pixel_range`` (a name of PIXEL_RANGES) where the file does
    not tell.

    Raises EdgeError for a file that is no image classifier, does not name its classes, or holds weights that
    are no numbers.
    """
    path = Path(path)
    model = load_keras_model(path)
    metadata = read_keras_metadata(path) or {} if path.suffix == ".keras" else {}
    outputs = _verify_classifier(path, model)
    _verify_weights(path, model)
    labels = labels or tuple(metadata.get("labels", ()))
    if len(labels) != outputs:
        said = f"is given {len(labels)} labels" if labels else "does not name its classes"
        raise EdgeError(
            f"{path} has {outputs} outputs and {said}; pass --labels with {outputs} names in their order"
        )
    known = pixel_range is not None or rescales_inside(model)
    pixel_range = pixel_range or ("0..255" if known else "0..1")
    return FloatNetwork(path, model, _normal_form(model, pixel_range), labels, pixel_range, known, metadata)


def rescales_inside(model: "keras.Model") -> bool:
    """Return whether pixels are scaled by a layer of the model, before any layer with weights of its own to
    learn.
    """
    import keras

    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            return True
        if layer.trainable_weights and not isinstance(layer, keras.Model):
            return False
    return False


def _normal_form(model: "keras.Model", pixel_range: str) -> "keras.Model":
    """Return ``model`` with an input of 0..1 and a softmax where it puts out logits."""
    import keras

    factor, offset = PIXEL_RANGES[pixel_range]
    image = keras.Input(model.input_shape[1:], name="face")
    scaled = image if (factor, offset) == (1.0, 0.0) else keras.layers.Rescaling(factor, offset)(image)
    scores = model(scaled)
    probe = np.random.default_rng(0).random((8, *model.input_shape[1:]), dtype=np.float32)
    found = _ask(model, probe * factor + offset)
    if (found < 0).any() or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        scores = keras.layers.Softmax(name="probability")(scores)
    return keras.Model(image, scores, name=model.name)


def _ask(model: "keras.Model", batch: np.ndarray) -> np.ndarray:
    """Return the model's outputs as ``float32``, under any Keras backend."""
    import keras

    return keras.ops.convert_to_numpy(model(batch, training=False)).astype(np.float32)


def _verify_classifier(path: Path, model: "keras.Model") -> int:
    """Return the number of outputs; EdgeError unless one image goes in and one row of scores comes out."""
    shapes = [tuple(tensor.shape) for tensor in (*model.inputs, *model.outputs)]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(shapes[0]) != 4 or len(shapes[1]) != 2:
        raise EdgeError(
            f"{path} is no image classifier: expected one input (None, height, width, channels) and one output "
            f"(None, classes), found shapes {', '.join(map(str, shapes))}"
        )
    _, height, width, channels = shapes[0]
    if height is None or width is None or channels not in (1, 3):
        raise EdgeError(f"{path} takes input of shape {shapes[0]}; expected (None, height, width, 1 or 3)")
    return shapes[1][1]


def _verify_weights(path: Path, model: "keras.Model") -> None:
    for weight in model.weights:
        values = weight.numpy()
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise EdgeError(
                f"{path} holds weights that are no finite numbers, in {weight.path}; its training diverged: train again"
            )
