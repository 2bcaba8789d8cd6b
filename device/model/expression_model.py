"""An expression model on the device: load, verify, infer."""

import copy
import hashlib
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.model.checks.classifier import (
    fitting_labels,
    verify_classifier,
    verify_unaltered,
    with_one_output,
)
from device.model.file.metadata import read_labels, read_metadata
from device.model.file.standard_metadata import label_file, read_normalization
from device.model.file.tflite_file import TfliteFile, read_bytes, read_tflite
from device.model.interpreters.opening import open_interpreter
from device.model.pixel_ranges import PIXEL_RANGES, ranges_of
from device.model.pixels import BYTES, assumed_range, input_contract, input_range, pixel_table
from device.resizing import resized
from device.storage import packaged

PACKAGED_MODEL = packaged("fer7_int8.tflite")
# Operators after which a number is what it was before, those that give probabilities, and those that give any numbers.
TRANSPARENT = ("DEQUANTIZE", "QUANTIZE", "RESHAPE")
BOUNDED, UNBOUNDED = ("SOFTMAX", "LOGISTIC"), ("FULLY_CONNECTED", "CONV_2D")
ROUNDING = 1e-3  # of a probability, by which float32 may leave 0..1


def load_model(
    path: str | Path | None = None,
    labels: tuple[str, ...] | None = None,
    threads: int = 1,
    allow_unlabelled: bool = False,
    delegate: str | None = None,
    pixel_range: str | None = None,
) -> "ExpressionModel":
    """Load a .tflite classifier; ``path`` None: the seven-class int8 model that the package carries.

    ``labels`` overrules those inside the file, and must be given where it carries none, unless
    ``allow_unlabelled``: then the model's labels are empty. ``delegate``: the accelerator that runs it, such as
    edgetpu. ``pixel_range``: what a float network of others takes of a pixel, see PIXEL_RANGES, where its file does not
    tell. The file is checked before the interpreter sees it. Raises EdgeError in one line for a file that is
    missing, damaged, altered since it was written, no image classifier, or whose labels do not match its outputs;
    for a graph that is not understood in full and crashes, hangs or swells in the process of its own that runs it;
    and for a delegate that cannot run it.
    """
    path = Path(PACKAGED_MODEL if path is None else path)
    if path == PACKAGED_MODEL and not path.exists():
        raise EdgeError(
            f"this installation carries no model ({path} is missing); name one with `model=FILE.tflite`"
        )
    return ExpressionModel(read_bytes(path), path, labels, threads, allow_unlabelled, delegate, pixel_range)


class ExpressionModel:
    """A loaded classifier. One thread at a time may call ``predict``.

    ``load_model`` makes it of a file; its arguments are the constructor's, but that ``data`` is the content of ``path``
    or what is to become it. ``confined_because``: why its graph is run by a process of its own, None where it is
    understood in full; then every method may raise EdgeError once that process has died. ``output_counts``: the
    numbers of each output of the file; of several the labels tell the one that is read, by their count.

    >>> model = load_model("best_int8.tflite")
    >>> scores = model.predict(crops)  # (N, 48, 48) uint8, gray -> (N, 7) float32
    >>> [model.labels[row.argmax()] for row in scores]
    ['happy', 'neutral']
    """

    def __init__(
        self,
        data: bytes,
        path: Path,
        labels: tuple[str, ...] | None = None,
        threads: int = 1,
        allow_unlabelled: bool = False,
        delegate: str | None = None,
        pixel_range: str | None = None,
    ) -> None:
        self.path, self.threads = path, threads
        structure = read_tflite(data, name=str(path))
        self.output_counts = [structure.tensors[index].elements for index in structure.outputs]
        self.metadata = read_metadata(data, name=str(path))
        verify_unaltered(path, data, structure, self.metadata)
        labels = labels or (self.metadata.labels if self.metadata else None)
        labels = labels or read_labels(data, str(path), label_file(structure)) or ()
        self.structure = with_one_output(
            path, structure, len(labels) if labels or not allow_unlabelled else None
        )
        verify_classifier(path, self.structure)
        if labels or not allow_unlabelled:
            labels = fitting_labels(path, self.structure, labels)
        self.labels = labels
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.input_tensor = self.structure.tensors[self.structure.inputs[0]]
        self.output_tensor = self.structure.tensors[self.structure.outputs[0]]
        self._normalization = read_normalization(self.structure)
        known_range = input_range(self.structure, self.metadata, pixel_range, self._normalization)
        self.range_is_known = bool(known_range)
        self._take(known_range or assumed_range(self.structure))
        self._interpreter, self.confined_because = open_interpreter(
            path, data, self.structure, threads, delegate
        )
        self.outputs_probabilities = self._gives_probabilities()

    def _gives_probabilities(self) -> bool:
        """Return whether the outputs are probabilities, not logits: by what they come from, else by the numbers."""
        # Files with our metadata put out probabilities, whatever they end in: means of several networks, sigmoids.
        last = last_operator(self.structure)
        if self.metadata is not None or last in BOUNDED:
            return True
        if last in UNBOUNDED:
            return False
        answers = self._numbers(self._span() if self.output_tensor.scales else self._answers_to_noise())
        return bool((answers > -ROUNDING).all() and (answers < 1 + ROUNDING).all())

    def _span(self) -> np.ndarray:
        """Return the least and the greatest number that an integer output stores; of int16, which is symmetric, 0."""
        limits = np.iinfo(self.output_tensor.dtype)
        return np.array([limits.min if self.output_tensor.dtype in BYTES else 0, limits.max])

    def _answers_to_noise(self) -> np.ndarray:
        noise = np.random.default_rng(0).integers(0, 256, (2, *self.input_size_hw), dtype=np.uint8)
        ranges = (self.pixel_range,) if self.range_is_known else self.pixel_ranges
        ways = [self.with_pixel_range(name) for name in ranges]
        return np.array([way.infer(way.prepare(crop)) for way in ways for crop in noise])

    def _take(self, pixel_range: str) -> None:
        self.pixel_range, stored = pixel_range, self._normalization
        numbers = stored.numbers if stored and str(stored) == pixel_range else PIXEL_RANGES[pixel_range]
        self._table = pixel_table(input_contract(self.input_tensor, self.metadata), numbers)

    def with_pixel_range(self, pixel_range: str) -> "ExpressionModel":
        """Return the same network, fed pixels of another range, as somebody or labelled faces told."""
        other = copy.copy(self)
        other.range_is_known = True
        other._take(pixel_range)
        return other

    @property
    def colour(self) -> bool:
        """Whether crops are to be red, green and blue; a network of three channels without it takes gray."""
        return self.metadata is not None and self.metadata.colour

    @property
    def pixel_ranges(self) -> tuple[str, ...]:
        """Return the pixel ranges that a network of its channels may take."""
        return ranges_of(self.input_tensor.shape[3])

    @property
    def input_size_hw(self) -> tuple[int, int]:
        return self.input_tensor.shape[1], self.input_tensor.shape[2]

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return a probability a label, ``(N, C) float32``, for ``crops``, ``(N, H, W) uint8`` gray.

        A network of three channels takes ``(N, H, W, 3)`` in R, G, B order too, see ``colour``, and gray thrice; gray
        alone where its pixel range differs by channel. Crops of another size than the network's are resized.
        """
        crops = np.asarray(crops)
        gray_alone = self.input_tensor.shape[3] == 1 or self._table.ndim == 2
        if crops.dtype != np.uint8 or (crops.ndim != 3 and (gray_alone or crops.shape[3:] != (3,))):
            channels = "" if gray_alone else " or (N, H, W, 3)"
            raise ValueError(
                f"expected crops of shape (N, H, W){channels} uint8, received {crops.shape} {crops.dtype}"
            )
        stored = [self.infer(self.prepare(crop)) for crop in crops]
        return self.probabilities(np.array(stored).reshape(len(crops), self.output_tensor.elements))

    def prepare(self, crop: np.ndarray) -> np.ndarray:
        """Return the input tensor ``(1, h, w, c)`` of a crop, ``(H, W)`` gray or ``(H, W, 3)`` R, G, B, uint8."""
        pixels = resized(crop, self.input_size_hw)
        tensor = self._table[pixels][None].reshape(1, *self.input_size_hw, -1)
        channels = self.input_tensor.shape[3]
        return tensor if channels == tensor.shape[3] else np.repeat(tensor, channels, axis=3)

    def infer(self, tensor: np.ndarray) -> np.ndarray:
        """Run the network once on a prepared input; return the stored outputs, ``(C,)``."""
        return np.asarray(self._interpreter.run(tensor)).reshape(-1)

    def _numbers(self, stored: np.ndarray) -> np.ndarray:
        """Return stored outputs as float32, dequantized."""
        values = stored.astype(np.float32)
        if self.output_tensor.scales:
            values = (values - self.output_tensor.zero_points[0]) * np.float32(self.output_tensor.scales[0])
        return values

    def probabilities(self, stored: np.ndarray) -> np.ndarray:
        """Turn stored outputs ``(N, C)`` into probabilities ``(N, C) float32``: dequantize, softmax of
        logits. EdgeError for numbers that are not finite.
        """
        values = self._numbers(stored)
        if not np.isfinite(values).all():
            raise EdgeError(f"{self.path} puts out numbers that are not finite; train or quantize it again")
        if self.outputs_probabilities:
            return np.asarray(values)
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def last_operator(structure: TfliteFile) -> str:
    """Return the name of the operator that the output comes from, transparent ones passed over; "" if from none."""
    producers = structure.producers()
    operator = producers.get(structure.outputs[0])
    while operator is not None and operator.name in TRANSPARENT:
        operator = producers.get(operator.inputs[0]) if operator.inputs else None
    return operator.name if operator is not None else ""
