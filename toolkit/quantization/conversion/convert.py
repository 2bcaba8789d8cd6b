"""From a float network to the bytes of a .tflite, by TensorFlow's converter."""

import contextlib
import functools
import io
import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from device.errors import EdgeError
from device.model.checks.scale_rules import aborting
from device.model.file.tflite_file import TfliteFile, read_tflite
from device.quiet import silenced
from toolkit.data.even_choice import even_rows
from toolkit.models.cost import tflite_cost
from toolkit.models.network import FloatNetwork
from toolkit.quantization.conversion.bias_correction import channel_shifts, correct_biases
from toolkit.quantization.conversion.calibration import calibrate
from toolkit.quantization.conversion.divisions import computed_divisions, runs_through
from toolkit.quantization.conversion.equalization import channel_peaks, equalize
from toolkit.quantization.conversion.frozen_converter import frozen_converter
from toolkit.quantization.conversion.int8_forms import as_products, elu_in_int8
from toolkit.quantization.conversion.layers import Layer, layers_of, unknown_layer
from toolkit.quantization.conversion.recipe import RECIPES, Recipe
from toolkit.quantization.conversion.recurrence import recurrent_layers, unroll

if TYPE_CHECKING:
    import keras

INPUT_SCALE = 1 / 255
EQUALIZING_FACES = 100
# So many faces tell the shift of each channel, fewer where the network is so large that it would take long.
CORRECTING_FACES, FEWEST_CORRECTING_FACES, CORRECTING_MACS = 64, 4, 6_000_000_000
IN_FLOAT = "pass `recipe=float16`"
INPUT_ZERO_POINTS = {"int8": -128, "uint8": 0}


class Conversion:
    """All the conversions of one network, with a batch of 1. It is calibrated once, on ``images``.

    images: the representative faces as ``FloatNetwork.prepare`` takes them. float_file: the network as a float32
    .tflite where that is made already. Every method raises EdgeError where the converter refuses.
    """

    def __init__(self, network: FloatNetwork, images: np.ndarray, float_file: bytes | None = None) -> None:
        self.network, self.images = network, images
        self._given_file = float_file

    @functools.cached_property
    def float_file(self) -> bytes:
        """The network as a float32 .tflite, batch normalisation folded in."""
        return self._given_file or self._convert(RECIPES["float32"])

    @functools.cached_property
    def equalized(self) -> "Conversion":
        """The conversions of the same network with its channels made alike."""
        few = itertools.islice(self.calibration_inputs(), EQUALIZING_FACES)
        peaks = channel_peaks(self.float_file, few)
        return Conversion(self.network, self.images, equalize(self.float_file, peaks))

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order, that can be kept in float."""
        return layers_of(read_tflite(self.float_file), self.network.layer_names)

    @functools.cached_property
    def calibrated(self) -> bytes:
        """The float file with the least and greatest value of each activation over the representative faces."""
        self.refuse_recurrent()
        with self._one_line_errors():
            try:
                return calibrate(as_products(self.float_file), self.calibration_inputs())
            except EdgeError as error:
                raise EdgeError(f"{self.network.path}: {error}; {IN_FLOAT}") from error

    def calibration_inputs(self) -> Iterator[np.ndarray]:
        """Yield the network's inputs that set the ranges, ``(1, h, w, c) float32`` of 0..1.

        One pixel of the first is set to exact black and one of the last to exact white, whatever resizing
        left of them: so the input's scale is 1/255 with zero point -128, and a raw crop enters as ``pixel -
        128``.
        """
        for position, image in enumerate(self.images):
            prepared = self.network.prepare(image[None])
            if position == 0:
                prepared[:, 0, 0] = 0
            if position == len(self.images) - 1:
                prepared[:, -1, -1] = 1
            yield prepared

    def to(self, recipe: Recipe) -> bytes:
        """Return the network quantized by ``recipe``; EdgeError where the outcome is not what the recipe
        says.
        """
        source = self.equalized if recipe.equalized else self
        if recipe.integer:
            data = source.integer(recipe.io_dtype, recipe.kept_float)
        else:
            data = self.float_file if recipe.name == "float32" else self._convert(recipe)
        _verify(read_tflite(data), recipe)
        return data

    def refuse_recurrent(self) -> None:
        """Raise EdgeError where the network goes through a sequence step by step and is to be calibrated.

        The loop has no int8 form, and unrolled each step would be a layer of its own.
        """
        if layers := recurrent_layers(self.network.original):
            named = ", ".join(f"{layer.name} ({type(layer).__name__})" for layer in layers[:3])
            raise EdgeError(
                f"{self.network.path}: the layer {named} is recurrent and has no int8 form here; {IN_FLOAT}"
            )

    def integer(self, io_dtype: str = "int8", kept_float: tuple[str, ...] = ()) -> bytes:
        """Return the network in int8 but for the layers ``kept_float`` and those that have no int8 form."""
        known = {layer.name: layer.node for layer in self.layers}
        unknown = [name for name in kept_float if name not in known]
        if unknown:
            raise unknown_layer(unknown[0], known)
        kept = tuple(known[name] for name in kept_float)
        return self._int8((io_dtype, io_dtype), kept)

    def verifying(self) -> bytes:
        """Return the int8 network with each layer's float twin beside it, joined by a NumericVerify operator."""
        return correct_biases(self._verifying_as_rounded, self._shifts)

    def alone(self, layer: Layer) -> bytes:
        """Return the network with only ``layer``, and the input, in int8."""
        others = tuple(other.node for other in self.layers if other != layer)
        return self._int8(("int8", "float32"), others)

    @functools.cached_property
    def _divisions(self) -> tuple[str, ...]:
        return computed_divisions(self.calibrated)

    @functools.cached_property
    def _float_divisions(self) -> tuple[str, ...]:
        """The nodes of the divisions, where one of them fails in int8 for a face or an even picture."""
        if not self._divisions:
            return ()
        even = (np.full_like(self.images[:1], gray) for gray in (0, 127, 255))
        faces = (self.images[row : row + 1] for row in even_rows(len(self.images), CORRECTING_FACES))
        trial = self._quantized(("int8", "int8"), ())
        return () if runs_through(trial, map(self._stored, itertools.chain(even, faces))) else self._divisions

    def _stored(self, images: np.ndarray) -> np.ndarray:
        """Return ``images``, as ``FloatNetwork.prepare`` takes them, as an int8 file stores its input."""
        stored = np.rint(self.network.prepare(images) / INPUT_SCALE) + INPUT_ZERO_POINTS["int8"]
        return np.asarray(stored.astype(np.int8))

    @functools.cached_property
    def _verifying_as_rounded(self) -> bytes:
        # TensorFlow's interpreter, the only one that knows NumericVerify, refuses divisors that are stored as 0.
        return self._quantized(("int8", "int8"), self._divisions, enable_numeric_verify=True)

    @functools.cached_property
    def _shifts(self) -> dict[str, np.ndarray]:
        macs = max(1, tflite_cost(self.float_file)[1])
        count = int(np.clip(CORRECTING_MACS // macs, FEWEST_CORRECTING_FACES, CORRECTING_FACES))
        stored = self._stored(self.images[even_rows(len(self.images), count)])
        return channel_shifts(self._verifying_as_rounded, stored)

    def _int8(self, io_dtypes: tuple[str, str], float_nodes: tuple[str, ...]) -> bytes:
        int8_file = self._quantized(io_dtypes, (*float_nodes, *self._float_divisions))
        if any(layer.operator == "ELU" for layer in self.layers):
            int8_file = elu_in_int8(int8_file, float_nodes)
        return correct_biases(int8_file, self._shifts)

    def _quantized(self, io_dtypes: tuple[str, str], float_nodes: tuple[str, ...], **options: Any) -> bytes:
        import tensorflow as tf
        from tensorflow.lite.python.convert import mlir_quantize

        calibrated = self.calibrated
        with self._one_line_errors():
            quantized: bytes = mlir_quantize(
                calibrated,
                input_data_type=tf.dtypes.as_dtype(io_dtypes[0]),
                output_data_type=tf.dtypes.as_dtype(io_dtypes[1]),
                denylisted_nodes=list(float_nodes),
                # One scale a tensor in Dense layers: several accelerators refuse more, accuracy does not
                # gain.
                disable_per_channel_for_dense_layers=True,
                **options,
            )
        if reason := aborting(read_tflite(quantized)):
            raise EdgeError(f"{self.network.path}: int8 has no form for {reason}; {IN_FLOAT}")
        return quantized

    def _convert(self, recipe: Recipe) -> bytes:
        import tensorflow as tf

        unroll(self.network.original)
        if recipe.calibrated:
            _ = self.calibrated  # which refuses loops: TensorFlow's calibrator ends the process on them
        with (
            self._one_line_errors(),
            contextlib.redirect_stdout(io.StringIO()),
            frozen_converter(self._of_one_face()) as converter,
        ):
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
            if recipe.weights != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if recipe.weights == "float16":
                converter.target_spec.supported_types = [tf.float16]
            if recipe.activations == "int16":
                int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
                converter.target_spec.supported_ops = [int16]
                converter.representative_dataset = lambda: ([face] for face in self.calibration_inputs())
            return bytes(converter.convert())

    def _of_one_face(self) -> "keras.Model":
        """Return the network with a batch of 1; neither accelerators nor XNNPACK's planner take an open one."""
        import keras

        face = keras.Input(batch_shape=(1, *self.network.input_shape), name="face")
        return keras.Model(face, self.network.model(face))

    @contextlib.contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        """Keep the converter's chatter off the terminal, and turn what it raises into one line."""
        with silenced(1, 2) as caught:
            try:
                yield
            except EdgeError:
                raise
            except (
                Exception
            ) as error:  # the converter raises ConverterError, ValueError, RuntimeError and others
                raise EdgeError(_why_refused(self.network, f"{error} {caught()}")) from error


def _verify(file: TfliteFile, recipe: Recipe) -> None:
    """Raise EdgeError unless the converter made what ``recipe`` says."""
    image = file.tensors[file.inputs[0]]
    if image.dtype != recipe.io_dtype:
        raise EdgeError(
            f"the converter left a {image.dtype} input where {recipe.name} wants {recipe.io_dtype}"
        )
    if recipe.io_dtype in INPUT_ZERO_POINTS:
        scale, zero_point = image.scales[0], image.zero_points[0]
        if abs(scale - INPUT_SCALE) > 1e-6 or zero_point != INPUT_ZERO_POINTS[recipe.io_dtype]:
            raise EdgeError(
                f"the input has scale {scale:.6f} and zero point {zero_point}, expected 1/255 and "
                f"{INPUT_ZERO_POINTS[recipe.io_dtype]}: an operator joins the picture with numbers of another range; "
                f"{IN_FLOAT}"
            )
    if recipe.name == "int8":
        left = [op.name for op in file.operators if file.tensors[op.outputs[0]].dtype == "float32"]
        left = sorted(set(left) - {"DEQUANTIZE"})
        if left:
            raise EdgeError(
                f"{', '.join(left)} has no int8 form here and would stay in float32, which {recipe.name} does not "
                "allow; pass `recipe=int8-mixed` to accept that, or replace the layer"
            )
    if recipe.name in ("dynamic", "int16x8") and not any(tensor.dtype == "int8" for tensor in file.tensors):
        raise EdgeError(
            f"no weight became int8, as {recipe.name} wants: the converter found none that it quantizes"
        )


def _why_refused(network: FloatNetwork, text: str) -> str:
    text = " ".join(text.split())
    unsupported = re.findall(r"'tf\.(\w+)' op is neither a custom op nor a flex op", text)
    unsupported += re.findall(r"(?:Custom|Flex|Select TF) ops?: ([\w, ]+?)(?: Details| See|$)", text)
    if unsupported:
        return (
            f"{network.path}: TFLite has no operator for {', '.join(sorted(set(unsupported)))}; replace that layer by "
            "standard ones (convolution, pooling, dense, activation)"
        )
    if without_int16 := sorted(set(re.findall(r"16x8-bit not yet supported for op: '(\w+)'", text))):
        return f"{network.path}: {', '.join(without_int16)} has no int16x8 form here; pass `recipe=int8`"
    return f"the converter refuses {network.path}: {text[:300]}"
