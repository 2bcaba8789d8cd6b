"""Float and quantized on the same faces."""

import time
from dataclasses import dataclass

import numpy as np

from device.model.expression_model import ExpressionModel
from toolkit.data.dataset import Dataset
from toolkit.data.even_choice import even_rows
from toolkit.results.compare import PairedComparison, compare_predictions
from toolkit.results.metrics import EvaluationReport, evaluate_predictions

MEASURE_SECONDS, FEWEST_FACES = 60.0, 100
TIMED = 5


@dataclass(frozen=True)
class Measurement:
    """Two models' answers about ``faces``.

    The reports and ``paired`` are None where the faces do not show the network's classes.
    """

    faces: Dataset
    float_probabilities: np.ndarray
    quantized_probabilities: np.ndarray
    float_report: EvaluationReport | None
    quantized_report: EvaluationReport | None
    paired: PairedComparison | None

    @property
    def top1_agreement(self) -> float:
        same = self.float_probabilities.argmax(axis=1) == self.quantized_probabilities.argmax(axis=1)
        return float(same.mean())

    @property
    def drop_points(self) -> float:
        """Accuracy lost, in points; where there are no labels, the share of faces named otherwise."""
        return self.paired.drop_points if self.paired else 100 * (1 - self.top1_agreement)

    @property
    def synthetic(self) -> bool:
        return self.faces.synthetic


def measure(
    model: ExpressionModel,
    faces: Dataset,
    float_probabilities: np.ndarray,
    labelled: bool,
    colour: bool = False,
) -> Measurement:
    """Ask ``model`` about ``faces``, through the device's code, and compare with what float said.

    With ``colour`` it sees them in colours. A model so slow that all faces would take over MEASURE_SECONDS is asked
    about fewer, evenly chosen.
    """
    affordable = int(MEASURE_SECONDS / seconds_each(model, faces.seen(colour)[:1]))
    if affordable < len(faces):
        rows = even_rows(len(faces), max(affordable, FEWEST_FACES))
        faces, float_probabilities = faces.select(rows), float_probabilities[rows]
    found = model.predict(faces.seen(colour))
    if not labelled:
        return Measurement(faces, float_probabilities, found, None, None, None)
    return Measurement(
        faces,
        float_probabilities,
        found,
        evaluate_predictions(float_probabilities, faces.labels, faces.classes),
        evaluate_predictions(found, faces.labels, faces.classes),
        compare_predictions(float_probabilities, found, faces.labels),
    )


def seconds_each(model: ExpressionModel, face: np.ndarray) -> float:
    """Return the shortest of some inferences of ``face``, (1, H, W[, 3]) uint8: a busy machine must not change what is
    measured."""
    seconds = []
    for _ in range(TIMED):
        start = time.perf_counter()
        model.predict(face)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
