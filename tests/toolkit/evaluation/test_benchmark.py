"""``toolkit benchmark``: what it measures, and that it measures it fairly."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError, UsageError
from toolkit.evaluation.benchmark import Timed, benchmark_files, cold_start, ratio_of_medians
from toolkit.models.options import ModelOptions
from toolkit.results.codec import read_results

pytestmark = pytest.mark.toolkit


def test_figures_hang_together(timed):
    first, second = read_results(timed).models
    for entry in (first, second):
        (latency,) = entry.latencies
        stats = latency.stages["classify"]
        assert stats["n"] == 40
        assert stats["warmup_n"] == 5
        assert stats["p50_ms"] <= stats["p90_ms"] <= stats["p99_ms"] <= stats["max_ms"]
        quantiles = latency.extra["quantiles_ms"]
        assert quantiles == sorted(quantiles)
        assert quantiles[50] == pytest.approx(stats["p50_ms"], abs=1e-4)
        assert latency.extra["throughput_per_s"] == pytest.approx(1000 / stats["mean_ms"], rel=0.01)
        assert (latency.target, latency.origin, latency.runtime) == ("host", "measured", "device")
    assert first.latencies[0].extra["ratio"] == {"ratio": 1.0, "low": 1.0, "high": 1.0}
    ratio = second.latencies[0].extra["ratio"]
    assert ratio["low"] <= ratio["ratio"] <= ratio["high"]
    assert 0.3 < ratio["ratio"] < 3  # the same network twice


def test_ratio_of_medians_by_hand():
    found = ratio_of_medians(np.full(50, 6.0), np.full(20, 2.0))
    assert (found.ratio, found.low, found.high) == (3, 3, 3)
    rng = np.random.default_rng(2)
    found = ratio_of_medians(rng.normal(4, 0.5, 4000), rng.normal(2, 0.5, 3000))
    assert found.low < found.ratio < found.high
    assert found.ratio == pytest.approx(2, abs=0.2)


def test_memory_and_loading_are_the_model_s_own(tiny_tflite):
    ballast = np.ones(300_000_000, np.uint8)  # in this process, not in the one that is measured
    facts = cold_start(tiny_tflite)
    assert 20 < facts["peak_memory_mb"] < ballast.nbytes / 2**20
    assert facts["load_ms"] > 0
    assert facts["first_inference_ms"] > 0


def test_a_fresh_process_opens_the_model_as_it_is_timed(tiny_tflite):
    with pytest.raises(EdgeError, match="`pixel_range` is 'caffe'"):
        cold_start(tiny_tflite, ModelOptions(pixel_range="caffe"))


def test_a_file_of_the_users_is_taken_for_no_module(tiny_tflite, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)\n")
    model = tiny_tflite.absolute()
    monkeypatch.chdir(tmp_path)
    assert cold_start(model)["first_inference_ms"] > 0


def test_batch_multiplies_the_faces(tiny_tflite, monkeypatch):
    import toolkit.evaluation.benchmark

    monkeypatch.setattr(
        toolkit.evaluation.benchmark, "cold_start", lambda *_: {}
    )  # starting Python again tells nothing here
    one, many = (
        benchmark_files([str(tiny_tflite)], 60, 5, batch=batch).models[0].latencies[0] for batch in (1, 8)
    )
    assert many.batch == 8
    assert many.stages["classify"]["p50_ms"] > 2 * one.stages["classify"]["p50_ms"]


def test_keras_goes_through_predict():
    class Network:
        def prepare(self, crops):
            return crops / 255

        class model:
            @staticmethod
            def predict(batch, verbose):
                return batch.reshape(len(batch), -1)[:, :2]

    found = Timed(Network(), 3).predict(np.full((1, 48, 48), 255, np.uint8))
    assert found.shape == (3, 2)
    assert found.max() == 1


@pytest.mark.parametrize(("later_ms", "steady"), [(2.0, True), (2.04, True), (6.0, False), (0.5, False)])
def test_drift_is_noticed(tiny_tflite, monkeypatch, later_ms, steady):
    """The times are given: no processor here grows hot when it is asked to."""
    import toolkit.evaluation.benchmark

    times_ms = np.repeat([[2.0], [later_ms]], 30, axis=0)
    monkeypatch.setattr(toolkit.evaluation.benchmark, "cold_start", lambda *_: {})
    monkeypatch.setattr(toolkit.evaluation.benchmark, "time_interleaved", lambda *_: times_ms)
    latency = benchmark_files([str(tiny_tflite)], 60, 5).models[0].latencies[0]
    assert latency.extra["drift_ratio"] == later_ms / 2
    assert latency.extra["steady"] == steady


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"threads": 0}, {"batch": 0}, {"warmup": -1}])
def test_counts_below_the_least_are_wrong_use(tiny_tflite, toolkit_command, wrong):
    ((name, value),) = wrong.items()
    given = {"options": ModelOptions(**wrong)} if name == "threads" else wrong
    with pytest.raises(UsageError, match=f"`{name}` is {value}; expected at least {value + 1}"):
        benchmark_files([str(tiny_tflite)], **given)
    done = toolkit_command("benchmark", "--model", tiny_tflite, f"--{name}", str(value))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{value} is not in the range" in done.stderr


def test_a_missing_baseline_is_one_line(toolkit_command, tiny_tflite):
    done = toolkit_command("benchmark", "--model", tiny_tflite, "--baseline", "/no/such.tflite")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "/no/such.tflite" in done.stderr


def test_json_is_one_document(toolkit_command, tiny_tflite):
    done = toolkit_command("benchmark", "--model", tiny_tflite, "--runs", "5", "--warmup", "1", "--json")
    document = json.loads(done.stdout)
    assert document["command"] == "benchmark"
    assert document["models"][0]["latencies"][0]["stages"]["classify"]["n"] == 5


def test_an_interrupted_benchmark_leaves_nothing(tiny_tflite, tmp_path):
    script = str(Path(sys.executable).with_name("toolkit"))
    out = tmp_path / "out.json"
    command = [script, "benchmark", "--model", str(tiny_tflite), "--runs", "100000000", "--out", str(out)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert "timing" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert errors.strip().endswith("error: interrupted")
    assert list(tmp_path.iterdir()) == []
