"""Whether a file is an image classifier, unaltered since it was written, and which labels fit it."""

from dataclasses import replace
from pathlib import Path

from device.errors import EdgeError
from device.labels import checked_labels
from device.model.checks.graph import MOST_SCALE
from device.model.file.associated_files import JSON_NAME
from device.model.file.metadata import (
    INPUT_TYPES,
    STANDARD_NAME,
    ModelMetadata,
    weights_sha256,
)
from device.model.file.tflite_file import Tensor, TfliteFile
from device.text import printable

MOST_INPUT_NUMBERS, MOST_OUTPUTS = 1 << 22, 10_000


def verify_unaltered(path: Path, data: bytes, structure: TfliteFile, metadata: ModelMetadata | None) -> None:
    """Raise EdgeError where ``data`` has lost its metadata, or has other weights than the metadata say."""
    if metadata is None and JSON_NAME.encode() in structure.metadata.get(STANDARD_NAME, b""):
        raise EdgeError(
            f"{path} is cut short: its {JSON_NAME} is missing from the end; copy or quantize it again"
        )
    if metadata is not None and metadata.weights_sha256:
        found = weights_sha256(data)
        if found != metadata.weights_sha256:
            raise EdgeError(
                f"{path} was altered since it was written: SHA-256 {found[:12]}… of graph and weights, "
                f"expected {metadata.weights_sha256[:12]}…; copy or quantize it again"
            )


def with_one_output(path: Path, structure: TfliteFile, classes: int | None) -> TfliteFile:
    """Return the graph with that output alone which has as many numbers as ``classes``; None: with its first.

    EdgeError where several have outputs and not one alone fits.
    """
    if len(structure.outputs) == 1:
        return structure
    counts = [structure.tensors[index].elements for index in structure.outputs]
    fitting = [index for index, count in zip(structure.outputs, counts, strict=True) if count == classes]
    heads = fitting if classes is not None else structure.outputs[:1]
    if len(heads) != 1:
        way_out = "convert it with the one of the expressions alone"
        if len(set(counts)) == len(counts) > 1:
            way_out = "pass `labels` with as many names as the one to take has numbers"
        raise EdgeError(
            f"{path} has {len(counts)} outputs, of {', '.join(map(str, counts)) or 'no'} numbers; expected labels for "
            f"one of them alone, received {classes}; {way_out}"
        )
    return replace(structure, outputs=tuple(heads))


def verify_classifier(path: Path, structure: TfliteFile) -> None:
    """Raise EdgeError unless the graph takes one picture and its output is one row of numbers, of known types."""
    if len(structure.inputs) != 1:
        raise EdgeError(
            f"{path} has {len(structure.inputs)} inputs, expected one, the picture; train it without the others"
        )
    image, scores = structure.tensors[structure.inputs[0]], structure.tensors[structure.outputs[0]]
    if len(image.shape) == 4 and image.shape[1] in (1, 3) and image.shape[3] not in (1, 3):
        raise EdgeError(
            f"{path} takes an input of shape {list(image.shape)}, its channels first; expected [1, height, width, 1 or "
            "3]; convert the network from ONNX with onnx2tf, which puts the channels last"
        )
    if len(image.shape) != 4 or image.shape[0] != 1 or image.shape[3] not in (1, 3) or image.elements == 0:
        way_out = "convert its Keras model with 'toolkit quantize', which makes that"
        if image.shape[3:] not in ((), (1,), (3,)):
            way_out = "train it on pictures of one channel, or of red, green and blue"
        raise EdgeError(
            f"{path} takes an input of shape {list(image.shape)}; expected [1, height, width, 1 or 3]; {way_out}"
        )
    if any(image.shape_signature[axis] < 0 and image.shape[axis] == 1 for axis in (1, 2)):
        raise EdgeError(
            f"{path} takes pictures of any size; expected one size; convert its Keras model with a fixed one, "
            "keras.Input((48, 48, 1))"
        )
    if not scores.elements or scores.shape[-1:] != (scores.elements,):
        raise EdgeError(
            f"{path} puts out numbers of shape {list(scores.shape)}; expected one row, [1, classes]; convert its "
            "Keras model with 'toolkit quantize', which makes that"
        )
    if image.elements > MOST_INPUT_NUMBERS or scores.elements > MOST_OUTPUTS:
        raise EdgeError(
            f"{path} takes {image.elements} numbers and puts out {scores.elements}; expected at most "
            f"{MOST_INPUT_NUMBERS} and {MOST_OUTPUTS}"
        )
    if not takes_raw_pixels(structure):
        _verify_numbers(path, "takes", image)
    _verify_numbers(path, "puts out", scores)


def takes_raw_pixels(structure: TfliteFile) -> bool:
    """Return whether the graph takes pixels of 0..255 as they are: a uint8 input without a scale, of which it makes
    floats at once."""
    index = structure.inputs[0]
    tensors = structure.tensors
    image = tensors[index]
    readers = [operator for operator in structure.operators if index in operator.inputs]
    casts = [one.name == "CAST" and tensors[one.outputs[0]].dtype == "float32" for one in readers]
    return image.dtype == "uint8" and not any(image.scales) and bool(casts) and all(casts)


def _verify_numbers(path: Path, end: str, tensor: Tensor) -> None:
    if tensor.dtype not in INPUT_TYPES:
        raise EdgeError(f"{path} {end} {tensor.dtype}; expected one of {', '.join(INPUT_TYPES)}")
    if tensor.dtype == "float32":
        return
    if len(tensor.scales) != 1 or len(tensor.zero_points) != 1 or not 0 < tensor.scales[0] <= MOST_SCALE:
        raise EdgeError(
            f"{path} {end} {tensor.dtype} with scales {printable(tensor.scales, 40)} and zero points "
            f"{printable(tensor.zero_points, 40)}; expected one of each, a scale above 0 and at most "
            f"{MOST_SCALE:g}, or uint8 pixels that are cast to float32 first; convert its Keras model with 'toolkit "
            "quantize'"
        )


def _of_signatures(structure: TfliteFile) -> str:
    if len(structure.signatures) < 2:
        return ""
    first, *others = (printable(name, 40) for name in structure.signatures)
    return (
        f" in its signature {first}, which alone is read (for {' or '.join(others)} convert that one alone)"
    )


def fitting_labels(path: Path, structure: TfliteFile, labels: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return ``labels``; EdgeError unless there is one for each output."""
    outputs = structure.tensors[structure.outputs[0]].elements
    if not labels:
        raise EdgeError(
            f"{path} carries no labels and has {outputs} outputs{_of_signatures(structure)}; pass `labels` with "
            f"{outputs} names"
        )
    if outputs == 1 and len(labels) > 1:
        raise EdgeError(
            f"{path} puts out {list(structure.tensors[structure.outputs[0]].shape)}, not a number for each of "
            f"{len(labels)} labels; convert its Keras model with 'toolkit quantize', which makes that of a sigmoid"
        )
    if len(labels) != outputs:
        raise EdgeError(
            f"{len(labels)} labels, but {path} has {outputs} outputs{_of_signatures(structure)}; pass `labels` with "
            f"{outputs} names"
        )
    return checked_labels(tuple(labels), str(path))
