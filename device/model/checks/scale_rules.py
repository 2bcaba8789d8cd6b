"""The scales that LiteRT's kernels for quantized numbers take.

Kernels make a factor and a shift of a ratio of scales, and end the process where it is out of what they can hold.
"""

from collections.abc import Sequence

from device.model.checks.operator_call import QUANTIZED, scale_of
from device.model.file.tflite_file import Tensor, TfliteFile

# Both numbers of a sum are shifted up by 20 bits, int16 by 15, and by 7 before they are squared; the way back has to be
# a factor under one half.
MOST_GAINS = {"ADD": 2.0**18, "SUB": 2.0**18, "SQUARED_DIFFERENCE": 2.0**11}
MOST_INT16_GAIN = 2.0**13
COMPARISONS = ("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL")


def aborting(file: TfliteFile) -> str | None:
    """Return which operator of ``file`` would end the process by its scales, and why, or None.

    >>> aborting(read_tflite("best_int8.tflite"))
    """
    for operator in file.operators:
        inputs = [file.tensors[index] for index in operator.inputs if index >= 0]
        outputs = [file.tensors[index] for index in operator.outputs]
        if reason := refused_scales(operator.name, inputs, outputs):
            return f"{operator.name}, {reason}"
    return None


def refused_scales(name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> str | None:
    """Return why the kernel of ``name`` does not take the scales of its tensors, one each, or None."""
    scales = [scale_of(tensor) for tensor in inputs if tensor.dtype in QUANTIZED]
    if not scales:
        return None
    if name in COMPARISONS and max(scales) >= 1:
        return f"which compares numbers of a scale of {max(scales):g}"
    if name in MOST_GAINS and outputs[0].dtype in QUANTIZED:
        gain = max(scales) ** (2 if name == "SQUARED_DIFFERENCE" else 1) / scale_of(outputs[0])
        if gain > (MOST_INT16_GAIN if outputs[0].dtype == "int16" else MOST_GAINS[name]):
            return f"whose numbers are {gain:g} times as wide as what it gives"
    return None
