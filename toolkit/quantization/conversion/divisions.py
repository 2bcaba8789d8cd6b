"""Divisions by a number of the network's own, which may become 0 in int8: the kernel gives up there."""

from collections.abc import Iterable

import numpy as np

from device.quiet import silenced
from toolkit.models.tflite_object import operator_name, unpacked
from toolkit.quantization.conversion.reference import reference_interpreter

DIVISOR = 1  # which of the inputs it is


def computed_divisions(float_file: bytes) -> tuple[str, ...]:
    """Return the names of what the divisions of a float .tflite give whose divisor is no constant."""
    model = unpacked(float_file)
    graph = model.subgraphs[0]
    written = {int(index) for operator in graph.operators for index in operator.outputs}
    return tuple(
        graph.tensors[operator.outputs[0]].name.decode()
        for operator in graph.operators
        if operator_name(model, operator) == "DIV" and int(operator.inputs[DIVISOR]) in written
    )


def runs_through(int8_file: bytes, inputs: Iterable[np.ndarray]) -> bool:
    """Return whether the kernels of a quantized .tflite take each of ``inputs``, ``(1, h, w, c)`` as it stores them."""
    interpreter = reference_interpreter(int8_file)
    place = interpreter.get_input_details()[0]["index"]
    with silenced(2):
        try:
            for image in inputs:
                interpreter.set_tensor(place, image)
                interpreter.invoke()
        except RuntimeError:
            return False
    return True
