"""Whether a Keras model is a classifier of pictures: one picture in, one row of numbers out, all weights finite."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from device.errors import EdgeError

if TYPE_CHECKING:
    import keras


def with_one_head(path: Path, model: "keras.Model", classes: int) -> "keras.Model":
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


def verify_classifier(
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


def verify_weights(path: Path, model: "keras.Model") -> None:
    """Raise EdgeError where a weight is no finite number."""
    for weight in model.weights:
        values = weight.numpy()
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise EdgeError(
                f"{path} holds weights that are no finite numbers, in {weight.path}; its training diverged: train again"
            )
