"""The range of each activation over representative faces, measured in the float network.

TensorFlow's calibrator lets operators write over what they read, and records the one as the other: it knows the sum of
a residual where a summand is meant.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from device.errors import EdgeError
from device.model.file.tflite_file import read_tflite
from toolkit.models.tflite_object import packed, unpacked
from toolkit.quantization.conversion.range_rules import apply_range_rules
from toolkit.quantization.conversion.reference import reference_interpreter

CONTROL_FLOW = {"WHILE", "IF"}


def calibrate(float_file: bytes, inputs: Iterable[np.ndarray]) -> bytes:
    """Return a float .tflite that holds the least and the greatest value of each activation over ``inputs``.

    inputs: ``(1, h, w, c) float32`` as the network takes them. They keep to ``range_rules``. EdgeError
    for control flow, and for numbers that are not finite.
    """
    from ai_edge_litert import schema_py_generated as schema

    file = read_tflite(float_file)
    if loops := sorted(CONTROL_FLOW & {operator.name for operator in file.operators}):
        raise EdgeError(
            f"{loops[0]} goes through a part of the network again or not at all, it has no int8 form here"
        )
    least: dict[int, np.float32] = {}
    greatest: dict[int, np.float32] = {}
    for index, numbers in activations(float_file, inputs):
        # NumPy's, for which NaN is the least and the greatest
        least[index] = np.minimum(least.get(index, np.inf), numbers.min())
        greatest[index] = np.maximum(greatest.get(index, -np.inf), numbers.max())
    model = unpacked(float_file)
    for index in least:
        if not np.isfinite([least[index], greatest[index]]).all():
            raise EdgeError(f"{file.tensors[index].name} becomes a number that is not finite, int8 has none")
        ranges = model.subgraphs[0].tensors[index].quantization = schema.QuantizationParametersT()
        ranges.min, ranges.max = [least[index]], [greatest[index]]
    apply_range_rules(model)
    return packed(model)


def activations(float_file: bytes, inputs: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield for each of ``inputs`` what enters the network and what its operators write: tensor, float32 numbers."""
    file = read_tflite(float_file)
    written = [index for operator in file.operators for index in operator.outputs]
    watched = [index for index in (*file.inputs, *written) if file.tensors[index].dtype == "float32"]
    interpreter = reference_interpreter(float_file, keep_all=True)
    for image in inputs:
        interpreter.set_tensor(file.inputs[0], image)
        interpreter.invoke()
        for index in watched:
            numbers = interpreter.get_tensor(index)
            if numbers.size:
                yield index, numbers
