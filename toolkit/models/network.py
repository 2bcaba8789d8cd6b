"""A float Keras classifier as the quantizer sees it: pixels over 255 in, probabilities out, whatever it was
built as.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from device.errors import EdgeError
from device.labels import checked_labels
from device.model.pixel_ranges import PIXEL_RANGES, ranges_of
from device.model.pixels import refuse_range
from device.resizing import resized
from toolkit.models.answers import ask
from toolkit.models.classifier import verify_classifier, verify_weights, with_one_head
from toolkit.models.head import LOGITS, SOFTMAX, head_of, single_logit
from toolkit.models.keras_file import load_keras_model, read_keras_metadata
from toolkit.models.opening.size_check import refuse_large_activations
from toolkit.models.rescaling import rescales_inside

if TYPE_CHECKING:
    import keras

# Where the pixel range of a network comes from, as results tell it.
GIVEN, RESCALES, STORED, FOUND, UNKNOWN = (
    "given with `pixel_range`",
    "the model rescales 0..255 itself",
    "stored in the model's file",
    "found: its answers fit the labelled faces best so",
    "not known",
)


@dataclass(frozen=True)
class FloatNetwork:
    """A loaded classifier.

    ``original``: the network of the file; ``asked``: with its pixels, it gives probabilities ``(N, C)``, compiled once
    for all ranges that are tried; ``pixel_range``: what both expect of a pixel, a name of PIXEL_RANGES, and
    ``range_from`` how that is known; ``head``: what the outputs of ``original`` are, of SOFTMAX, SIGMOIDS (a
    probability a class, which need not sum to 1) and LOGITS, to which a softmax is added.
    """

    path: Path
    original: "keras.Model"
    asked: "keras.Model"
    labels: tuple[str, ...]
    pixel_range: str
    range_from: str
    metadata: dict[str, Any]
    head: str = SOFTMAX

    @cached_property
    def model(self) -> "keras.Model":
        """The network that takes ``(N, h, w, c) float32`` of 0..1 and gives probabilities ``(N, C)``."""
        return _normal_form(self.original, self.input_shape, self.pixel_range, self.head)

    @property
    def layer_names(self) -> list[str]:
        """The names of all its layers, those of models inside it too."""
        return [layer.name for layer in self.model._flatten_layers(include_self=False)]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return tuple(self.asked.input_shape[1:])

    @property
    def colour(self) -> bool:
        """Whether it learnt from coloured pictures; else a network of three channels gets the same gray thrice."""
        return self.metadata.get("colour") is True and self.input_shape[2] == 3

    @property
    def pixel_ranges(self) -> tuple[str, ...]:
        """The pixel ranges that a network of its channels may take."""
        return ranges_of(self.input_shape[2])

    @property
    def range_is_known(self) -> bool:
        """Whether the file, its user or labelled faces told the pixel range."""
        return self.range_from != UNKNOWN

    def with_pixel_range(self, pixel_range: str) -> "FloatNetwork":
        """Return the same network fed otherwise, as labelled faces told."""
        return replace(self, pixel_range=pixel_range, range_from=FOUND)

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Turn ``(N, H, W)`` gray or ``(N, H, W, 3)`` R, G, B, uint8, into ``(N, h, w, c) float32`` of 0..1."""
        height, width, channels = self.input_shape
        if images.shape[1:3] != (height, width):
            images = np.stack([resized(image, (height, width)) for image in images])
        pixels = images.astype(np.float32) / 255
        return pixels if images.ndim == 4 else np.repeat(pixels[..., None], channels, axis=3)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return ``(N, C) float32`` probabilities of faces as ``prepare`` takes them."""
        return ask(self.path, self.asked, images, lambda some: _scaled(self.prepare(some), self.pixel_range))


def open_network(
    path: str | Path,
    labels: tuple[str, ...] | None = None,
    pixel_range: str | None = None,
    input_size: int | None = None,
) -> FloatNetwork:
    """Load a Keras classifier; the other arguments where the file does not tell.

    labels: names of the outputs in order (two for a network of one output, whose second it is the probability of); of
    several heads that one is taken which alone has so many outputs;
    pixel_range: a name of PIXEL_RANGES; input_size: height and width in pixels, of a network that takes any.
    Raises EdgeError for a file that is no image classifier, does not name its classes, or holds weights that are no
    numbers. Usage: ``open_network("other.h5", ("cat", "dog"), "0..1").predict(faces)``.
    """
    path = Path(path)
    loaded = load_keras_model(path)
    metadata = read_keras_metadata(path) or {} if path.is_file() else {}
    labels = checked_labels(labels, "`labels`") if labels else stored_labels(path, metadata)
    model = with_one_head(path, loaded, len(labels))
    shape, outputs = verify_classifier(path, model, input_size)
    refuse_range(pixel_range, shape[2])
    verify_weights(path, model)
    classes = 2 if outputs == 1 else outputs
    if len(labels) != classes:
        said = f"is given {len(labels)} labels" if labels else "does not name its classes"
        raise EdgeError(
            f"{path} has {outputs} outputs and {said}; pass `labels` with {classes} names in their order"
            + (": first the class at 0, then the one at 1" if outputs == 1 else "")
        )
    pixel_range, origin = _told_range(model, metadata, pixel_range)
    head = _head(path, model, shape)
    asked = _normal_form(model, shape, "0..1", head)
    refuse_large_activations(path, asked)
    return FloatNetwork(path, model, asked, labels, pixel_range, origin, metadata, head)


def stored_labels(path: Path, metadata: dict[str, Any]) -> tuple[str, ...]:
    """Return the labels in the ``metadata`` of the file at ``path``, () without; EdgeError for what are no names."""
    labels = metadata.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise EdgeError(f"the labels in {path} are no list of names; save the model again, or pass `labels`")
    return checked_labels(tuple(labels), str(path))


def _told_range(model: "keras.Model", metadata: dict[str, Any], given: str | None) -> tuple[str, str]:
    """Return the pixel range of a network and how it is known; 0..1 where nothing tells."""
    if given:
        return given, GIVEN
    if metadata.get("pixel_range") in ranges_of(model.input_shape[-1]):
        return metadata["pixel_range"], STORED
    return ("0..255", RESCALES) if rescales_inside(model) else ("0..1", UNKNOWN)


def _head(path: Path, model: "keras.Model", shape: tuple[int, int, int]) -> str:
    """Return what the outputs are; a network of one output is changed to put out its logit, and is LOGITS then."""
    pixels = np.random.default_rng(0).random((8, *shape), dtype=np.float32)
    # In each range that it may take: what is no probability in one of them is none.
    asked = np.concatenate([_scaled(pixels, name) for name in ranges_of(shape[2])])
    answers = ask(path, model, asked, lambda batch: batch)
    if answers.shape[1] == 1:
        single_logit(path, model, answers)
        return LOGITS
    return head_of(model, answers)


def _scaled(pixels: np.ndarray, pixel_range: str) -> np.ndarray:
    """Return ``pixels``, ``(..., c) float32`` of 0..1, as ``pixel_range`` has them."""
    factor, offset = (np.array(one, np.float32) for one in PIXEL_RANGES[pixel_range])
    return np.asarray(pixels * factor + offset)


def _normal_form(
    model: "keras.Model", shape: tuple[int, int, int], pixel_range: str, head: str
) -> "keras.Model":
    """Return ``model`` with an input of 0..1 and a softmax where it puts out logits, two for a single one."""
    import keras

    # One number for all channels is a scalar of the graph.
    factor, offset = (one[0] if len(one) == 1 else list(one) for one in PIXEL_RANGES[pixel_range])
    image = keras.Input(shape, name="face")
    scaled = image if (factor, offset) == (1.0, 0.0) else keras.layers.Rescaling(factor, offset)(image)
    scores = model(scaled)
    if len(scores.shape) > 2:  # a head of convolutions, (None, 1, 1, classes)
        scores = keras.layers.Reshape((scores.shape[-1],), name="one_row")(scores)
    if scores.shape[1] == 1:
        # The softmax of 0 and a logit is 1 - p and p of its sigmoid.
        both = keras.layers.Dense(2, use_bias=False, name="both_classes")
        scores = both(scores)
        both.set_weights([np.array([[0.0, 1.0]], np.float32)])
    if head == LOGITS:
        scores = keras.layers.Softmax(name="probability")(scores)
    return keras.Model(image, scores, name=model.name)
