"""What the standard TFLite metadata of a file, of any tool, say: mean and deviation of the pixels that enter, the file
of the labels.

A number below is a field's in ``metadata_schema.fbs`` of tensorflow/tflite-support, identifier M001.
"""

from dataclasses import dataclass

import numpy as np

from device.model.file.flatbuffer import Buffer, MalformedFile, Table
from device.model.file.metadata import STANDARD_NAME
from device.model.file.tflite_file import TfliteFile

IDENTIFIER = b"M001"
NORMALIZATION_OPTIONS = 1  # of the union ProcessUnitOptions
LABEL_FILES = (2, 3)  # TENSOR_AXIS_LABELS and TENSOR_VALUE_LABELS of AssociatedFileType
# Of pixels of 0..255; smaller ones, 0.229 of ImageNet, were written for pixels of 0..1.
LARGEST_MEAN, DEVIATIONS = 1e3, (1.0, 1e3)


@dataclass(frozen=True)
class Normalization:
    """``(pixel - mean) / deviation`` enters the network, of pixels of 0..255; one number each, or one a channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __str__(self) -> str:
        mean, deviation = (
            ", ".join(f"{one:.6g}" for one in numbers) for numbers in (self.mean, self.deviation)
        )
        return f"(pixel - {mean}) / {deviation}"

    @property
    def numbers(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return by what a pixel of 0..1 is multiplied and what is added then, as PIXEL_RANGES has them."""
        pairs = list(zip(self.mean, self.deviation, strict=True))
        return tuple(255 / one for _, one in pairs), tuple(-mean / one for mean, one in pairs)


def read_normalization(structure: TfliteFile) -> Normalization | None:
    """Return the first normalization of the picture that enters; None where nothing readable tells one."""
    try:
        (image, *_) = _graph(structure).tables(2)
        units = [unit for unit in image.tables(4) if unit.scalar(0, "B") == NORMALIZATION_OPTIONS]
        options = units[0].table(1) if units else None
        return _normalization(options, structure) if options else None
    except (MalformedFile, IndexError, ValueError):  # a graph that runs all the same
        return None


def label_file(structure: TfliteFile) -> str:
    """Return the name of the file of labels of the first output that has one; "" where nothing readable names one."""
    try:
        files = [file for scores in _graph(structure).tables(3) for file in scores.tables(6)]
        return next((file.string(0) for file in files if file.scalar(2, "b") in LABEL_FILES), "")
    except (MalformedFile, IndexError):
        return ""


def _graph(structure: TfliteFile) -> Table:
    """Return the metadata of the first subgraph; MalformedFile or IndexError where there are none."""
    content = structure.metadata.get(STANDARD_NAME, b"")
    if content[4:8] != IDENTIFIER:
        raise MalformedFile("no metadata")
    return Buffer(content).root().tables(3)[0]


def _normalization(options: Table, structure: TfliteFile) -> Normalization | None:
    """Return what the table says; None where it has not one number each or one a channel, or no finite ones."""
    mean, deviation = (np.array(options.vector(field, "f")) for field in (0, 1))
    channels = structure.tensors[structure.inputs[0]].shape[3]
    least, most = DEVIATIONS
    if {len(mean), len(deviation)} - {1, channels} or not (np.abs(mean) <= LARGEST_MEAN).all():
        return None
    if not ((deviation >= least) & (deviation <= most)).all():
        return None
    mean, deviation = np.broadcast_arrays(mean, deviation)
    return Normalization(tuple(mean.tolist()), tuple(deviation.tolist()))
