"""An expression model on the device: load, verify, infer."""

import copy
import hashlib
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.model import ranges_of
from device.model.associated_files import JSON_NAME
from device.model.graph_checks import MOST_SCALE
from device.model.interpreter import open_interpreter
from device.model.metadata import (
    INPUT_TYPES,
    STANDARD_NAME,
    ModelMetadata,
    checked_labels,
    read_labels,
    read_metadata,
    weights_sha256,
)
from device.model.pixels import ASSUMED_RANGE, input_contract, input_range, pixel_table
from device.model.tflite_file import Tensor, TfliteFile, read_bytes, read_tflite
from device.text import printable

PACKAGED_MODEL = "fer7_int8.tflite"
# Operators after which a probability is still a probability.
TRANSPARENT = ("DEQUANTIZE", "QUANTIZE", "RESHAPE")
MOST_INPUT_NUMBERS, MOST_OUTPUTS = 1 << 22, 10_000


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
    path = _packaged_model() if path is None else Path(path)
    return model_of(read_bytes(path), path, labels, threads, allow_unlabelled, delegate, pixel_range)


def model_of(
    data: bytes,
    path: Path,
    labels: tuple[str, ...] | None = None,
    threads: int = 1,
    allow_unlabelled: bool = False,
    delegate: str | None = None,
    pixel_range: str | None = None,
) -> "ExpressionModel":
    """Return the model in ``data``, the content of ``path`` or what is to become it; otherwise as ``load_model``."""
    structure = read_tflite(data, name=str(path))
    metadata = read_metadata(data, name=str(path))
    _verify_unaltered(path, data, structure, metadata)
    _verify_classifier(path, structure)
    labels = labels or (metadata.labels if metadata else None) or read_labels(data, name=str(path))
    if labels or not allow_unlabelled:
        labels = _fitting_labels(path, structure, labels)
    return ExpressionModel(path, data, structure, metadata, labels or (), threads, delegate, pixel_range)


class ExpressionModel:
    """A loaded classifier. One thread at a time may call ``predict``.

    ``load_model`` makes it. ``confined_because``: why its graph is run by a process of its own, None where it is
    understood in full; then every method may raise EdgeError once that process has died.

    >>> model = load_model("best_int8.tflite")
    >>> scores = model.predict(crops)  # (N, 48, 48) uint8, gray -> (N, 7) float32
    >>> [model.labels[row.argmax()] for row in scores]
    ['happy', 'neutral']
    """

    def __init__(
        self,
        path: Path,
        data: bytes,
        structure: TfliteFile,
        metadata: ModelMetadata | None,
        labels: tuple[str, ...],
        threads: int,
        delegate: str | None = None,
        pixel_range: str | None = None,
    ) -> None:
        self.path, self.structure, self.metadata, self.labels, self.threads = (
            path,
            structure,
            metadata,
            labels,
            threads,
        )
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.input_tensor = structure.tensors[structure.inputs[0]]
        self.output_tensor = structure.tensors[structure.outputs[0]]
        self.outputs_probabilities = outputs_probabilities(structure)
        pixel_range = input_range(structure, metadata, pixel_range)
        self.range_is_known = bool(pixel_range)
        self._take(pixel_range or ASSUMED_RANGE)
        self._interpreter, self.confined_because = open_interpreter(path, data, structure, threads, delegate)

    def _take(self, pixel_range: str) -> None:
        self.pixel_range = pixel_range
        self._table = pixel_table(input_contract(self.input_tensor, self.metadata), pixel_range)

    def with_pixel_range(self, pixel_range: str) -> "ExpressionModel":
        """Return the same network, fed pixels of another range."""
        other = copy.copy(self)
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
        return self.probabilities(np.array(stored).reshape(len(crops), self.output_tensor.shape[1]))

    def prepare(self, crop: np.ndarray) -> np.ndarray:
        """Return the input tensor ``(1, h, w, c)`` of a crop, ``(H, W)`` gray or ``(H, W, 3)`` R, G, B, uint8."""
        height, width = self.input_size_hw
        if crop.shape[:2] != (height, width):
            shrinks = crop.shape[0] >= height
            crop = cv2.resize(
                crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            )
        tensor = self._table[crop][None].reshape(1, height, width, -1)
        channels = self.input_tensor.shape[3]
        return tensor if channels == tensor.shape[3] else np.repeat(tensor, channels, axis=3)

    def infer(self, tensor: np.ndarray) -> np.ndarray:
        """Run the network once on a prepared input; return the stored outputs, ``(C,)``."""
        return np.asarray(self._interpreter.run(tensor)[0])

    def probabilities(self, stored: np.ndarray) -> np.ndarray:
        """Turn stored outputs ``(N, C)`` into probabilities ``(N, C) float32``: dequantize, softmax of
        logits. EdgeError for numbers that are not finite.
        """
        values = stored.astype(np.float32)
        if self.output_tensor.scales:
            values = (values - self.output_tensor.zero_points[0]) * np.float32(self.output_tensor.scales[0])
        if not np.isfinite(values).all():
            raise EdgeError(f"{self.path} puts out numbers that are not finite; train or quantize it again")
        if self.outputs_probabilities:
            return np.asarray(values)
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def outputs_probabilities(structure: TfliteFile) -> bool:
    """Return whether the output comes from a softmax or logistic, rather than being logits."""
    producers = structure.producers()
    operator = producers.get(structure.outputs[0])
    while operator is not None and operator.name in TRANSPARENT:
        operator = producers.get(operator.inputs[0]) if operator.inputs else None
    return operator is not None and operator.name in ("SOFTMAX", "LOGISTIC")


def _packaged_model() -> Path:
    path = Path(str(resources.files("device"))) / "data" / PACKAGED_MODEL
    if not path.exists():
        raise EdgeError(
            f"this installation carries no model ({path} is missing); name one with `model=FILE.tflite`"
        )
    return path


def _verify_unaltered(path: Path, data: bytes, structure: TfliteFile, metadata: ModelMetadata | None) -> None:
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


def _verify_classifier(path: Path, structure: TfliteFile) -> None:
    if len(structure.inputs) != 1 or len(structure.outputs) != 1:
        raise EdgeError(
            f"{path} has {len(structure.inputs)} inputs and {len(structure.outputs)} outputs; "
            "expected a classifier with one of each; convert one with a single picture and a single head of classes"
        )
    image, scores = structure.tensors[structure.inputs[0]], structure.tensors[structure.outputs[0]]
    if len(image.shape) != 4 or image.shape[0] != 1 or image.shape[3] not in (1, 3) or image.elements == 0:
        raise EdgeError(
            f"{path} takes an input of shape {list(image.shape)}; expected [1, height, width, 1 or 3]; convert its "
            "Keras model with 'toolkit quantize', which makes that"
        )
    if image.elements > MOST_INPUT_NUMBERS or scores.elements > MOST_OUTPUTS:
        raise EdgeError(
            f"{path} takes {image.elements} numbers and puts out {scores.elements}; expected at most "
            f"{MOST_INPUT_NUMBERS} and {MOST_OUTPUTS}"
        )
    for end, tensor in (("takes", image), ("puts out", scores)):
        _verify_numbers(path, end, tensor)


def _verify_numbers(path: Path, end: str, tensor: Tensor) -> None:
    if tensor.dtype not in INPUT_TYPES:
        raise EdgeError(f"{path} {end} {tensor.dtype}; expected one of {', '.join(INPUT_TYPES)}")
    if tensor.dtype == "float32":
        return
    if len(tensor.scales) != 1 or len(tensor.zero_points) != 1 or not 0 < tensor.scales[0] <= MOST_SCALE:
        raise EdgeError(
            f"{path} {end} {tensor.dtype} with scales {printable(tensor.scales, 40)} and zero points "
            f"{printable(tensor.zero_points, 40)}; expected one of each, a scale above 0 and at most "
            f"{MOST_SCALE:g}; quantize it again"
        )


def _fitting_labels(path: Path, structure: TfliteFile, labels: tuple[str, ...] | None) -> tuple[str, ...]:
    outputs = structure.tensors[structure.outputs[0]].shape[1]
    if not labels:
        raise EdgeError(
            f"{path} carries no labels and has {outputs} outputs; pass `labels` with {outputs} names"
        )
    if outputs == 1 and len(labels) > 1:
        raise EdgeError(
            f"{path} puts out {list(structure.tensors[structure.outputs[0]].shape)}, not a number for each of "
            f"{len(labels)} labels; convert its Keras model with 'toolkit quantize', which makes that of a sigmoid or "
            "a head of convolutions"
        )
    if len(labels) != outputs:
        raise EdgeError(
            f"{len(labels)} labels, but {path} has {outputs} outputs; pass `labels` with {outputs} names"
        )
    return checked_labels(tuple(labels), str(path))
