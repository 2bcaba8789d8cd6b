"""The words and figures that the report's sections make of results."""

import numpy as np
import pytest

from toolkit.reporting.class_section import classes
from toolkit.results.metrics import evaluate_predictions
from toolkit.results.selection import select
from toolkit.results.types import DataIdentity, Evaluation, ModelIdentity, ModelResults, Results

pytestmark = pytest.mark.toolkit


def selection_of(confidence: float, right: int, faces: int = 100):
    """One model that names ``right`` of the faces rightly, of each with ``confidence``."""
    probabilities = np.tile([confidence, 1 - confidence], (faces, 1))
    labels = np.repeat([0, 1], [right, faces - right])
    report = evaluate_predictions(probabilities, labels, ("happy", "sad"))
    data = DataIdentity("faces", "test", faces, ("happy", "sad"), "f" * 64, synthetic=False)
    model = ModelIdentity("m", "a" * 64, "tflite", 1000, ("happy", "sad"))
    return select(Results((ModelResults(model, (Evaluation(data, report),)),)))


@pytest.mark.parametrize(
    ("confidence", "right", "kind"),
    [
        (0.9, 80, "over-confident"),
        (0.83, 80, "over-confident"),
        (0.81, 80, "about as sure as it should be"),
        (0.79, 80, "about as sure as it should be"),
        (0.77, 80, "under-confident"),
        (0.6, 80, "under-confident"),
    ],
)
def test_a_model_that_is_surer_than_it_is_right_is_over_confident(confidence, right, kind):
    note = classes(selection_of(confidence, right))["calibration_note"]
    assert f"m is {kind}: its mean confidence is {100 * confidence:.1f} %, its accuracy {right:.1f} %" in note


def test_the_limits_name_what_is_missed_by_half():
    found = classes(selection_of(0.9, 60))
    assert "was wrong on 40.0 % of the 100 faces" in found["limits"]
    assert found["limits"].endswith("fewer than half of the faces that show: sad.")
    assert [line["name"] for line in found["classes"]] == ["happy", "sad"]
