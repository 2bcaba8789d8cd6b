"""docs/RESULTS.md names every field that the code writes."""

import dataclasses
from pathlib import Path

import pytest

from toolkit.data.inspection import Leak
from toolkit.reporting.change import FIGURES
from toolkit.results.compare import Flip, PairedComparison
from toolkit.results.data_facts import DataFacts
from toolkit.results.metrics import ClassMetrics, EvaluationReport
from toolkit.results.robustness import CorruptedAccuracy, Robustness
from toolkit.results.types import Comparison, DataIdentity, Evaluation, Latency, ModelIdentity, ModelResults
from toolkit.results.whole_way import FaceGroup, Share, WholeWay

pytestmark = pytest.mark.toolkit
TEXT = (Path(__file__).parents[3] / "docs" / "RESULTS.md").read_text()
TYPES = (
    Comparison, DataIdentity, Evaluation, Latency, ModelIdentity, ModelResults, EvaluationReport, ClassMetrics,
    PairedComparison, Flip, DataFacts, Leak, Robustness, CorruptedAccuracy,
    WholeWay, FaceGroup, Share,
)  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_field_is_named(kind):
    assert [field.name for field in dataclasses.fields(kind) if f"`{field.name}`" not in TEXT] == []


def test_every_figure_of_a_condition_is_named():
    assert [name for name in FIGURES if f"`{name}`" not in TEXT] == []


def test_every_fact_of_a_latency_is_named(timed, load_json):
    for entry in load_json(timed)["models"]:
        assert [key for key in entry["latencies"][0]["extra"] if f"`{key}`" not in TEXT] == []
