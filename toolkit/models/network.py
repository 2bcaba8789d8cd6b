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
    "found: it recognises most labelled faces so",
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
    model = _bare(path, loaded, len(labels))
    shape, outputs = _verify_classifier(path, model, input_size)
    refuse_range(pixel_range, shape[2])
    _verify_weights(path, model)
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


def _bare(path: Path, model: "keras.Model", classes: int) -> "keras.Model":
    """Return a model that takes and gives a tensor, where it does so in a dictionary or a list of one, or where one
    alone of its heads has so many ``classes``.

    Raises EdgeError where its class, which this process knows, tells nothing of tensors.
    """
    import keras

    if isinstance(model, keras.Sequential) and not hasattr(model, "inputs"):
        raise EdgeError(
            f"{path} has no input shape; begin it with keras.Input((height, width, 1)) and save it again"
        )
    if not hasattr(model, "inputs"):
        raise EdgeError(
            f"{path} is a {type(model).__name__}, a subclass of keras.Model whose call is Python code; build it of its "
            "layers, keras.Model(inputs, outputs), or write a SavedModel, model.export('folder'), and name that"
        )
    heads = model.outputs if len(model.outputs) == 1 else _heads_of(model.outputs, classes)
    if isinstance(model, keras.Sequential) or not len(model.inputs) == len(heads) == 1:
        return model
    if any(isinstance(held, dict | list | tuple) for held in (model.input, model.output)):
        return keras.Model(model.inputs[0], heads[0], name=model.name)
    return model


def _heads_of(outputs: list[Any], classes: int) -> list[Any]:
    """Return the outputs for so many classes; for two those of one number where none has two."""
    counts = (2, 1) if classes == 2 else (classes,)
    fitting = ([head for head in outputs if tuple(head.shape[-1:]) == (count,)] for count in counts)
    return next(filter(None, fitting), [])


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


def _verify_classifier(
    path: Path, model: "keras.Model", input_size: int | None
) -> tuple[tuple[int, int, int], int]:
    """Return height, width and channels of the input, and the number of outputs.

    EdgeError unless one image goes in and one row of scores comes out.
    """
    shapes = [tuple(tensor.shape) for tensor in (*model.inputs, *model.outputs)]
    one_row = len(shapes[-1]) == 2 or (len(shapes[-1]) > 2 and set(shapes[-1][1:-1]) == {1})
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(shapes[0]) != 4 or not one_row:
        raise EdgeError(
            f"{path} is no image classifier: expected one input (None, height, width, channels) and one output "
            f"(None, classes), found shapes {', '.join(map(str, shapes))}; {_one_of_each(model, shapes)}"
        )
    picture = _picture_shape(path, shapes[0], input_size)
    if shapes[1][-1] is None:
        raise EdgeError(f"{path} does not tell how many classes it puts out; save it with a fixed last layer")
    return picture, int(shapes[1][-1])


def _picture_shape(path: Path, shape: tuple[int | None, ...], input_size: int | None) -> tuple[int, int, int]:
    """Return height, width and channels of pictures for an input of ``shape``, its open sides ``input_size`` long.

    EdgeError for other channels than gray or colours, for open sides without ``input_size``, fixed ones beside another.
    """
    _, height, width, channels = shape
    if channels not in (1, 3):
        way_out = "train it on pictures of one channel, or of red, green and blue"
        if height in (1, 3):
            way_out = (
                "its channels stand first: build it with data_format='channels_last' and the same weights"
            )
        raise EdgeError(
            f"{path} takes input of shape {shape}; expected (None, height, width, 1 or 3); {way_out}"
        )
    if input_size is None and (height is None or width is None):
        raise EdgeError(
            f"{path} takes pictures of any size, {shape}; pass `input_size` with the pixels of a side that it was "
            "trained on, such as 48"
        )
    if input_size is not None and any(side not in (None, input_size) for side in (height, width)):
        raise EdgeError(f"{path} takes {height}x{width} pixels, `input_size` is {input_size}; leave it out")
    return int(height or input_size or 0), int(width or input_size or 0), channels


def _one_of_each(model: "keras.Model", shapes: list[tuple[int | None, ...]]) -> str:
    """Return how to make a classifier of images of a network of these shapes."""
    if len(model.inputs) > 1:
        return "a device has a picture alone: train it without the other inputs"
    if len(shapes) == 2 and len(shapes[0]) in (2, 3):
        return (
            f"give it an image, keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Reshape({shapes[0][1:]}), "
            "model]), and save that"
        )
    counts = [shape[-1] for shape in shapes[1:]]
    if len(set(counts)) == len(counts) > 1:
        return "pass `labels` with as many names as the output to take has numbers, two for an output of one"
    return "keep the output with the expressions, such as keras.Model(model.inputs[0], model.outputs[0]), and save that"


def _verify_weights(path: Path, model: "keras.Model") -> None:
    for weight in model.weights:
        values = weight.numpy()
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise EdgeError(
                f"{path} holds weights that are no finite numbers, in {weight.path}; its training diverged: train again"
            )
