"""What a pixel becomes in the network's input, by the file's metadata, its scale or what the user tells."""

import numpy as np

from device.errors import UsageError
from device.model.file.metadata import InputContract, ModelMetadata
from device.model.file.standard_metadata import Normalization
from device.model.file.tflite_file import Tensor, TfliteFile
from device.model.pixel_ranges import PIXEL_RANGES, Numbers, ranges_of
from device.text import counted

ASSUMED_RANGE = "0..1"
BYTES = ("int8", "uint8")
# The norm of a first filter: as Keras draws them 0.17 or more, for pixels of 0..1 or -1..1; a Rescaling that was
# multiplied into them, or a normalization of what they make of 0..255, leaves a few hundredths at most.
SMALL_FILTER = 0.06
# What an integer input spans: of pixels of 0..1, -1..1 or torch at most, and of pixels of 0..255 less their means.
LARGEST_SMALL, LARGEST_LEVELS = 3.0, 300
LARGEST_LESS_MEANS = 160  # of caffe, the greatest number that enters
SCALES_DOWN, SHIFTS = (
    0.05,
    2.0,
)  # no weight on pixels of 0..1 or -1..1 is so small, no mean of theirs so large


def input_range(
    structure: TfliteFile,
    metadata: ModelMetadata | None,
    given: str | None,
    normalization: Normalization | None = None,
) -> str:
    """Return the pixel range of a float or int16 input, a name of PIXEL_RANGES or the ``normalization`` of the file's
    standard metadata in words, or "" where nothing tells it.

    Inputs of 8 bits and files with our metadata tell it themselves: theirs is "0..255", whatever is ``given``. The
    range of an int16 input is symmetric, alike for pixels of 0..1 and -1..1; it tells that those of 0..255, or those
    less their means, enter.
    Raises UsageError for a ``given`` that is no range of the input's channels.
    """
    image = structure.tensors[structure.inputs[0]]
    refuse_range(given, image.shape[3])
    if metadata is not None or image.dtype in BYTES:
        return "0..255"
    if given or normalization:
        return given or str(normalization)
    largest = image.scales[0] * np.iinfo(np.int16).max if image.dtype == "int16" else 0
    if image.shape[3] == 3 and LARGEST_SMALL < largest < LARGEST_LESS_MEANS:
        return "caffe"
    return "0..255" if largest > LARGEST_SMALL or rescales(structure) else ""


def refuse_range(given: str | None, channels: int) -> None:
    """Raise UsageError for a ``given`` pixel range that a network of so many channels cannot take."""
    if given is not None and given not in ranges_of(channels):
        names = ", ".join(ranges_of(channels))
        raise UsageError(
            f"`pixel_range` is {given!r}; expected one of {names} for {counted(channels, 'channel')}"
        )


def rescales(structure: TfliteFile) -> bool:
    """Return whether the graph's first operator turns pixels of 0..255 into small numbers."""
    first = next((one for one in structure.operators if structure.inputs[0] in one.inputs), None)
    if first is None or first.name not in ("MUL", "DIV", "ADD", "SUB"):
        return False
    constants = [structure.tensors[index] for index in first.inputs if index >= 0]
    plain = [one for one in constants if one.constant is not None and not one.is_sparse]
    values = [one.values() for one in plain if one.dtype == "float32"]
    if not values or not values[0].size:
        return False
    largest = float(np.abs(values[0]).max())
    return {"MUL": largest < SCALES_DOWN, "DIV": largest > 1 / SCALES_DOWN}.get(first.name, largest > SHIFTS)


def assumed_range(structure: TfliteFile) -> str:
    """Return the pixel range to assume where nothing tells: 0..255 where the first convolution's filters are so small
    that the converter has multiplied a Rescaling into them, else 0..1."""
    first = next((one for one in structure.operators if structure.inputs[0] in one.inputs), None)
    if first is None or first.name != "CONV_2D" or len(first.inputs) < 2:
        return ASSUMED_RANGE
    half = structure.producers().get(first.inputs[1])  # float16 becomes float32 first
    kernel = structure.tensors[half.inputs[0] if half and half.inputs else first.inputs[1]]
    plain = kernel.constant is not None and not kernel.is_sparse and kernel.dtype in ("float16", "float32")
    if not plain or len(kernel.shape) != 4 or not kernel.elements:
        return ASSUMED_RANGE
    filters = kernel.values().astype(np.float32).reshape(kernel.shape[0], -1)
    return "0..255" if np.median(np.linalg.norm(filters, axis=1)) < SMALL_FILTER else ASSUMED_RANGE


def input_contract(tensor: Tensor, metadata: ModelMetadata | None) -> InputContract:
    """Return what the input tensor expects: as the metadata says, else by its range.

    Without metadata, an input of 8 bits whose range is about 0..1 or -1..1, or reaches below zero, takes the pixels
    spread over that range, any other, one without a scale too, takes them as they are; of more bits, in the range that
    ``input_range`` tells.
    """
    _, height, width, channels = tensor.shape
    scale, zero_point = 1.0 if tensor.dtype in BYTES else 0.0, 0
    if any(tensor.scales):
        scale, zero_point = tensor.scales[0], tensor.zero_points[0]
    pixel_scale = 1.0
    if metadata is not None:
        pixel_scale = metadata.input.pixel_scale
    elif tensor.dtype in BYTES and (
        scale * 255 <= LARGEST_SMALL or _holds_means(tensor.dtype, scale, zero_point)
    ):
        pixel_scale = scale
    return InputContract(height, width, channels, tensor.dtype, scale, zero_point, pixel_scale)


def _holds_means(dtype: str, scale: float, zero_point: int) -> bool:
    """Return whether an input of 8 bits holds pixels less their means: well below zero, over no more than 0..255."""
    least = zero_point - np.iinfo(dtype).min
    return scale * 255 < LARGEST_LEVELS and bool(least > 0.2 * 255)


def pixel_table(contract: InputContract, numbers: Numbers = PIXEL_RANGES["0..255"]) -> np.ndarray:
    """Return what each of the 256 pixel values becomes in the input's type, (256,), or (256, 3) where the channels
    differ; for the shipped models ``pixel - 128``. ``numbers``, as PIXEL_RANGES has them: of a float or int16 input
    without our metadata.
    """
    values = np.arange(256) * contract.pixel_scale
    if contract.dtype not in BYTES:
        factor, offset = map(np.array, numbers)
        table = values[:, None] * (factor / 255) + offset
        values = table[:, 0] if table.shape[1] == 1 else table
    if contract.dtype == "float32":
        return np.asarray(values, np.float32)
    dtype = np.dtype(contract.dtype)
    stored = np.round(values / contract.scale) + contract.zero_point
    if contract.pixel_scale == contract.scale and contract.dtype in BYTES:
        stored = np.arange(256) + np.iinfo(dtype).min  # the whole range, wherever its zero is
    limits = np.iinfo(dtype)
    return np.asarray(stored.clip(limits.min, limits.max).astype(dtype))
