"""Each layer in int8 beside its float twin: what both make of the same quantized input."""

import functools
import warnings
from collections.abc import Iterator

import numpy as np

from device.model.file.tflite_file import read_tflite
from device.model.interpreters.litert import allocated
from device.quiet import silenced


def layer_outputs(
    verifying: bytes, inputs: np.ndarray
) -> Iterator[tuple[tuple[str, str], np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, for every face and layer, the names of its two tensors, the exact output and the int8 output in the same
    unit, float32 both, and the least and the greatest number that the latter can be.

    verifying: a file of ``Conversion.verifying``; inputs: its stored inputs ``(N, h, w, c) int8``. One of the two
    names is the layer's node, the other the same with a digit more.
    """
    file = read_tflite(verifying)
    checks = [operator for operator in file.operators if operator.name.endswith("NumericVerify")]
    with silenced(2), warnings.catch_warnings():
        # NumericVerify is known to TensorFlow's own, deprecated interpreter only.
        warnings.simplefilter("ignore")
        import tensorflow as tf

        make = functools.partial(
            tf.lite.Interpreter, model_content=verifying, experimental_preserve_all_tensors=True
        )
        interpreter = allocated(make, tf.lite.experimental.OpResolverType)
        place = interpreter.get_input_details()[0]["index"]
        for face in inputs:
            interpreter.set_tensor(place, face[None])
            interpreter.invoke()
            for check in checks:
                quantized, twin = check.inputs
                tensor = file.tensors[quantized]
                names = tensor.name, file.tensors[twin].name
                stored = interpreter.get_tensor(quantized).astype(np.float32)
                values, limits = (
                    (numbers - tensor.zero_points[0]) * tensor.scales[0]
                    for numbers in (stored, np.array([-128, 127], np.float32))
                )
                yield names, interpreter.get_tensor(twin), values, limits
