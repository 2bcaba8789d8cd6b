"""One operator as the checks see it: its shapes, its options, the numbers that are known before it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from device.model.file.tflite_file import Operator, Tensor

Shape = tuple[int, ...]
QUANTIZED = ("int8", "uint8", "int16")


class UnfamiliarError(Exception):
    """An operator, option, type or shape outside of what the checks know."""


def expect(condition: bool, otherwise: str) -> None:
    """Raise UnfamiliarError with ``otherwise`` unless ``condition``."""
    if not condition:
        raise UnfamiliarError(otherwise)


@dataclass
class Call:
    """One operator of a graph, its tensors and what is known of their values; rules add what it costs.

    ``inputs`` holds None for an optional one left out. ``macs``: multiplications; ``scratch_bytes``: what its
    kernel may need beside its tensors.
    """

    operator: Operator
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    known: Sequence[np.ndarray | None]
    macs: int = 0
    scratch_bytes: int = 0
    options: Mapping[str, int | float] = field(default_factory=dict)

    def tensor(self, place: int) -> Tensor:
        tensor = self.inputs[place] if place < len(self.inputs) else None
        if tensor is None:
            raise UnfamiliarError(f"input {place} is missing")
        return tensor

    def shape(self, place: int, least: int = 0, most: int = 8) -> Shape:
        """Return the shape of an input of ``least`` to ``most`` dimensions."""
        shape = self.tensor(place).shape
        expect(least <= len(shape) <= most, f"input {place} has the shape {list(shape)}")
        return shape

    def given(self, place: int) -> bool:
        """Return whether an optional input is there."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def integers(self, place: int, shape: Shape | None = None) -> np.ndarray:
        """Return the values of an input that says positions or sizes, int64; they must be known beforehand."""
        self.tensor(place)
        values = self.known[place]
        if values is None:
            raise UnfamiliarError(f"input {place} is only known when it runs")
        expect(shape is None or values.shape == shape, f"input {place} has the shape {list(values.shape)}")
        return values

    def axis(self, value: int, rank: int) -> int:
        """Return an axis counted from the front."""
        expect(-rank <= value < rank, f"axis {value} of {rank} dimensions")
        return int(value) % rank

    def option(self, name: str) -> int:
        return int(self.options[name])

    def number(self, name: str) -> float:
        return float(self.options[name])


def scale_of(tensor: Tensor) -> float:
    """Return the one scale of a quantized tensor, 1 for any other."""
    return tensor.scales[0] if tensor.scales else 1.0
