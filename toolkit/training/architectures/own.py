"""A network of the user's own: ``FILE.py[:build]``, or a ``.keras`` file; checked before an epoch is spent.

``build(class_count)`` returns a Keras model: one picture in, (None, height, width, 1 or 3) of any size, one score a
class out, softmax or logits. Pixels enter as 0..255; a network that does not rescale them itself gets them as 0..1. ::

    def build(class_count):
        return keras.Sequential([keras.Input((64, 64, 1)), keras.layers.Conv2D(8, 3), keras.layers.Flatten(),
                                 keras.layers.Dense(class_count, activation="softmax")])
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from device.errors import EdgeError
from device.text import one_line
from toolkit.models.head import final_activation
from toolkit.models.keras_file import load_keras_model
from toolkit.models.opening.allowed_operations import refuse_unlisted
from toolkit.models.opening.configuration import without_training
from toolkit.models.rescaling import rescales_inside
from toolkit.quiet_tensorflow import reason_of
from toolkit.training.architectures.own_files import KERAS_SUFFIXES, refuse_absent, split_name

PROBE_FACES = 8


def build(name: str, class_count: int) -> keras.Model:
    """Return the network of a file, checked; EdgeError in one line for one that cannot be trained or saved."""
    path, function = split_name(name)
    if path.suffix in KERAS_SUFFIXES:
        return checked(load_keras_model(path), name, class_count)
    refuse_absent(name)
    made = _called(path, function, class_count)
    return checked(made, name, class_count)


def _called(path: Path, function: str, class_count: int) -> Any:
    """Return what ``function`` of the Python file at ``path`` returns."""
    spec = importlib.util.spec_from_file_location(f"fer_edge_own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.absolute()))  # for what it imports from beside itself
    try:
        spec.loader.exec_module(module)
        if not hasattr(module, function):
            raise EdgeError(
                f"{path} has no function {function}; expected {function}(class_count) that returns a Keras model, or "
                "name another one: `arch=FILE.py:FUNCTION`"
            )
        return getattr(module, function)(class_count)
    except EdgeError:
        raise
    except (Exception, SystemExit) as error:  # the file may raise anything
        raise EdgeError(
            f"{path} cannot build its network: {type(error).__name__}: {one_line(error, 200)}; "
            f"expected {function}({class_count}) to return a Keras model"
        ) from error
    finally:
        sys.path.remove(str(path.parent.absolute()))


def checked(model: Any, name: str, class_count: int) -> keras.Model:
    """Return ``model`` as a functional model of pixels 0..255; EdgeError unless it can be trained, saved and opened."""
    if not isinstance(model, keras.Model):
        raise EdgeError(f"{name} gives a {type(model).__name__}; expected a Keras model")
    if not isinstance(model, keras.Sequential | keras.src.models.functional.Functional):
        raise EdgeError(
            f"{name} is a subclass of keras.Model, which cannot be copied without its code; expected a functional or "
            "a Sequential model"
        )
    if not model.built:
        raise EdgeError(f"{name} has no input shape; begin it with keras.Input((height, width, 1))")
    _refuse_shapes(model, name, class_count)
    _refuse_custom(model, name)
    if not model.trainable_weights:
        raise EdgeError(
            f"{name} has nothing that learns: all of its layers are frozen; let some of them learn"
        )
    model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if not rescales_inside(model):
        image = keras.Input(model.input_shape[1:], name="pixels")
        model = keras.Model(image, model(keras.layers.Rescaling(1 / 255)(image)), name=model.name)
    _refuse_answers(model, name)
    return model


def _refuse_shapes(model: keras.Model, name: str, class_count: int) -> None:
    shapes = [tuple(tensor.shape) for tensor in (*model.inputs, *model.outputs)]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(shapes[0]) != 4 or len(shapes[1]) != 2:
        raise EdgeError(
            f"{name} is no image classifier: expected one input (None, height, width, channels) and one output (None, "
            f"{class_count}), received {', '.join(map(str, shapes))}"
        )
    batch, height, width, channels = shapes[0]
    if batch is not None or height is None or width is None or channels not in (1, 3):
        raise EdgeError(f"{name} takes input of shape {shapes[0]}; expected (None, height, width, 1 or 3)")
    if shapes[1][1] != class_count:
        raise EdgeError(
            f"{name} has {shapes[1][1]} outputs for {class_count} classes; give its last layer {class_count} units, or "
            "choose as many `classes`"
        )


def _refuse_custom(model: keras.Model, name: str) -> None:
    """Raise EdgeError for a layer whose code would not be in the ``.keras`` file."""
    for layer in model._flatten_layers(include_self=False):
        kind = type(layer)
        if kind.__module__.partition(".")[0] != "keras" or kind.__name__ == "Lambda":
            raise EdgeError(
                f"{name} has the layer {layer.name} of the class {kind.__name__}, whose code a .keras file does not "
                "hold: quantize and evaluate could not open it; build it from Keras' own layers"
            )
    refuse_unlisted(name, without_training(json.loads(model.to_json())))


def _refuse_answers(model: keras.Model, name: str) -> None:
    """Raise EdgeError for sigmoids, and for answers that are no numbers."""
    shape = model.input_shape[1:]
    pixels = 255 * np.random.default_rng(0).random((PROBE_FACES, *shape), dtype=np.float32)
    try:
        answers = keras.ops.convert_to_numpy(model(pixels, training=False)).astype(np.float32)
    except Exception as error:  # Keras raises many kinds for layers that do not fit each other
        raise EdgeError(f"{name} does not compute: {reason_of(error)}; mend its layers") from error
    if not np.isfinite(answers).all():
        raise EdgeError(
            f"{name} answers NaN or infinity to random pixels: it divides by zero, or its weights are too large"
        )
    last = final_activation(model)
    if last is not None and last[1] == "sigmoid":
        raise EdgeError(
            f"{name} ends in sigmoids, one yes or no a class; a face has one expression: end it in a softmax or "
            "without an activation"
        )
