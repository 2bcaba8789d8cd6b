"""TensorFlow's converter of a Keras model, without saving the model as a whole first."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from toolkit.outputs import temporary_folder

if TYPE_CHECKING:
    import keras


@contextlib.contextmanager
def frozen_converter(model: "keras.Model") -> Iterator[Any]:
    """Yield TensorFlow's converter of a Keras model of one input and one output.

    ``TFLiteConverter.from_keras_model`` first saves the model with everything that belongs to it: that takes three
    times as long as all else. Here its weights become constants of one function, and that is saved.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    (image,) = model.inputs
    given = tf.TensorSpec(image.shape, image.dtype, name=image.name)
    answer = tf.function(lambda face: model(face, training=False))
    frozen = convert_variables_to_constants_v2(answer.get_concrete_function(given))
    module = tf.Module()
    module.serve = tf.function(lambda face: {"output_0": frozen(face)[0]}, input_signature=[given])
    with temporary_folder() as folder:
        # Nobody derives it; the custom gradient of swish could not be saved without its weights.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(
            module, str(folder), signatures={"serving_default": module.serve}, options=options
        )
        yield tf.lite.TFLiteConverter.from_saved_model(str(folder))
