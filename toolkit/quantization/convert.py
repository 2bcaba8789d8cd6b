"""From a float network to the bytes of a .tflite, by TensorFlow's converter."""

import contextlib
import io

import numpy as np

from device.errors import EdgeError
from device.quiet import silenced
from device.tflite_file import TfliteFile, read_tflite
from toolkit.quantization.network import FloatNetwork
from toolkit.quantization.recipe import Recipe

INPUT_SCALE, INPUT_ZERO_POINT = 1 / 255, -128


def convert(network: FloatNetwork, recipe: Recipe, images: np.ndarray) -> bytes:
    """Convert ``network`` with a batch of 1; the ranges come from ``images``, ``(N, H, W) uint8`` gray.

    Raises EdgeError where the converter refuses, or where what it made is not what the recipe says.
    """
    with silenced(1, 2) as caught, contextlib.redirect_stdout(io.StringIO()):
        try:
            data = _converter(network, recipe, images).convert()
        except Exception as error:  # the converter raises ConverterError, ValueError, RuntimeError and others
            raise EdgeError(_why_refused(network, error, caught())) from error
    _verify(read_tflite(data), recipe)
    return data


def _converter(network: FloatNetwork, recipe: Recipe, images: np.ndarray):
    import keras
    import tensorflow as tf

    # A dynamic batch leaves shapes open, which accelerators and XNNPACK's planner do not take.
    face = keras.Input(batch_shape=(1, *network.input_shape), name="face")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(face, network.model(face)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # One scale a tensor in Dense layers: several accelerators refuse more, and accuracy does not gain.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if recipe.calibrated:
        converter.representative_dataset = lambda: ([network.prepare(image[None])] for image in images)
    if recipe.name == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter


def _verify(file: TfliteFile, recipe: Recipe) -> None:
    """Raise EdgeError unless the converter made what ``recipe`` says."""
    image = file.tensors[file.inputs[0]]
    if image.dtype != recipe.edges:
        raise EdgeError(f"the converter left a {image.dtype} input where {recipe.name} wants {recipe.edges}")
    if recipe.edges == "int8" and (
        abs(image.scales[0] - INPUT_SCALE) > 1e-6 or image.zero_points[0] != INPUT_ZERO_POINT
    ):
        raise EdgeError(
            f"the input has scale {image.scales[0]:.6f} and zero point {image.zero_points[0]}, expected 1/255 and "
            "-128; the representative faces do not span 0 to 255"
        )
    if recipe.activations == "int8" and not recipe.kept_float:
        left = [tensor.name for tensor in file.tensors if tensor.dtype == "float32"]
        if left:
            raise EdgeError(f"{len(left)} tensors stayed float32, the first is {left[0]}; int8 wants none")


def _why_refused(network: FloatNetwork, error: Exception, log: str) -> str:
    text = " ".join(f"{error} {log}".split())
    for mark in ("is neither a custom op nor a flex op", "failed to legalize operation"):
        if mark in text:
            name = text.split(mark)[0].rstrip(" '\"").split("'")[-1].split()[-1]
            return f"{network.path}: TFLite has no operator for {name}; replace that layer by standard ones"
    return (
        f"the converter refuses {network.path}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    )
