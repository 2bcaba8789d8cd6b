"""The results file: written, read, joined, refused."""

import dataclasses
import json
import math
from pathlib import Path

import pytest

from device.errors import EdgeError
from toolkit.results.codec import read_results, write_results
from toolkit.results.history import read_history
from toolkit.results.merge import join_results
from toolkit.results.model_provenance import curves_beside
from toolkit.results.types import DataIdentity, Latency, ModelIdentity, ModelResults, Results

pytestmark = pytest.mark.toolkit

ROOT = Path(__file__).parents[3]
STATS = {"n": 10, "mean_ms": 1.0, "p50_ms": 1.0, "p90_ms": 1.2, "p99_ms": 1.5, "max_ms": 2.0, "warmup_n": 5}


def entry(digest: str, **sections) -> ModelResults:
    return ModelResults(ModelIdentity(f"{digest}.tflite", digest, "tflite", 10, ("a", "b")), **sections)


def latency(p50_ms: float, target: str = "host", cpu: str = "") -> Latency:
    return Latency(target, "measured", {"classify": {**STATS, "p50_ms": p50_ms}}, cpu=cpu)


def test_what_is_written_is_read(evaluated, timed, tmp_path):
    for path in (evaluated, timed):
        results = read_results(path)
        write_results(results, tmp_path / path.name)
        assert json.loads((tmp_path / path.name).read_text()) == json.loads(path.read_text())


def test_joined_by_digest(evaluated, timed):
    joined = join_results([read_results(evaluated), read_results(timed)])
    assert len(joined.models) == 2
    for one in joined.models:
        assert len(one.evaluations) == len(one.latencies) == 1
    assert [source["command"] for source in joined.provenance["documents"]] == ["evaluate", "benchmark"]


def test_of_the_same_measurement_the_last_stands():
    first = Results((entry("x", latencies=(latency(1.0), latency(9.0, "pi5"))),))
    again = Results((entry("x", latencies=(latency(2.0),)),))
    found = join_results([first, again]).models[0].latencies
    assert {(one.target, one.stages["classify"]["p50_ms"]) for one in found} == {("host", 2.0), ("pi5", 9.0)}


def test_times_of_two_hosts_stand_beside_each_other():
    first = Results((entry("x", latencies=(latency(1.0, cpu="Xeon"),)),))
    again = Results((entry("x", latencies=(latency(9.0, cpu="Cortex-A76"),)),))
    found = join_results([first, again]).models[0].latencies
    assert {one.cpu: one.stages["classify"]["p50_ms"] for one in found} == {"Xeon": 1.0, "Cortex-A76": 9.0}


def test_comparisons_with_other_models_or_faces_stand_beside_each_other(evaluated):
    one = read_results(evaluated).models[1]
    [compared] = one.comparisons
    other_model = dataclasses.replace(compared, baseline_sha256="0" * 64)
    other_faces = dataclasses.replace(compared, data=dataclasses.replace(compared.data, fingerprint="f2"))
    documents = [
        Results((dataclasses.replace(one, comparisons=made),))
        for made in ((compared, other_model), (other_faces, compared))
    ]
    assert set(join_results(documents).models[0].comparisons) == {compared, other_model, other_faces}
    assert len(join_results(documents).models[0].comparisons) == 3


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.json")), ids=lambda path: path.name)
def test_committed_results_are_read_and_know_their_processor(path):
    for one in read_results(path).models:
        assert all(latency.cpu for latency in one.latencies)


def test_the_order_of_labels_is_part_of_the_data_s_identity():
    one = DataIdentity("d", "test", 1, ("a", "b"), "f1", False)
    other = dataclasses.replace(one, classes=("b", "a"), fingerprint="f2")
    assert one != other


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, None, "fast"])
def test_latency_that_is_no_time_is_refused(value):
    with pytest.raises(ValueError, match="p50_ms"):
        latency(value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "expected a results file"),
        ("{}", "no results file"),
        ("[1]", "expected a results file"),
        ('{"schema": "fer-edge/results", "schema_version": 99}', "schema version 99"),
        ('{"schema": "fer-edge/results", "schema_version": 1, "models": [{}]}', "damaged"),
        ("\x00\x01", "expected a results file"),
    ],
)
def test_other_files_are_refused(tmp_path, content, words):
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(EdgeError) as caught:
        read_results(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_how_a_model_came_about_is_read_from_its_file(evaluated):
    quantization = read_results(evaluated).models[0].quantization
    assert quantization["recipe"] == "int8"
    assert len(quantization["representative"]["sha256"]) == 64


def test_what_two_commands_say_of_one_quantization_is_kept_together():
    first = Results((entry("x", quantization={"recipe": "int8", "layers": [1]}),))
    again = Results((entry("x", quantization={"recipe": "int8", "representative": {}}),))
    found = join_results([first, again]).models[0].quantization
    assert found == {"recipe": "int8", "layers": [1], "representative": {}}


def test_history_of_a_training_is_read(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,validation_loss,validation_accuracy\n1,2.0,1.9,0.25\n2,1.5,1.6,0.5\n")
    assert read_history(tmp_path)["loss"] == [2.0, 1.5]
    assert curves_beside(tmp_path / "best.keras") == {"val_accuracy": [0.25, 0.5]}
    path.write_text("\x00nonsense,validation_accuracy\n1,x\n")
    assert curves_beside(tmp_path / "best.keras") == {}
    path.unlink()
    assert read_history(tmp_path) == {}
