"""Latency statistics: exact where samples are given, within a bin where they are counted."""

import threading

import numpy as np
import pytest

from device.runtime.latency import LatencyRecorder, LatencyStats


def test_percentiles_lie_within_half_a_bin_of_the_exact_ones():
    samples = np.random.default_rng(0).lognormal(0, 1, 5000)
    recorder = LatencyRecorder(warmup=0)
    for ms in samples:
        recorder.record("classify", float(ms))
    counted = recorder.stats()["classify"]
    for name, percent in (("p50_ms", 50), ("p90_ms", 90), ("p99_ms", 99)):
        exact = np.percentile(samples, percent, method="inverted_cdf")
        assert getattr(counted, name) == pytest.approx(exact, rel=0.005)
    assert counted.n == 5000
    assert counted.mean_ms == pytest.approx(samples.mean())
    assert counted.max_ms == samples.max()


def test_warm_up_is_in_no_figure():
    recorder = LatencyRecorder(warmup=2)
    for ms in (1000.0, 1000.0, 1.0, 1.0):
        recorder.record("detect", ms)
    stats = recorder.stats()["detect"]
    assert (stats.n, stats.warmup_n) == (2, 2)
    assert stats.max_ms == 1.0


def test_a_stage_still_warming_up_is_left_out():
    recorder = LatencyRecorder(warmup=5)
    recorder.record("detect", 1.0)
    assert recorder.stats() == {}


def test_memory_does_not_grow_with_the_number_of_measurements():
    recorder = LatencyRecorder(warmup=0)
    for ms in range(1, 10_000):
        recorder.record("capture", ms / 10)
    histogram = recorder._histograms["capture"]
    assert histogram.counts.nbytes < 40_000


def test_latencies_beyond_the_bins_are_kept_in_the_outer_ones():
    recorder = LatencyRecorder(warmup=0)
    for ms in (0.0, 1e9):
        recorder.record("odd", ms)
    stats = recorder.stats()["odd"]
    assert (stats.n, stats.max_ms) == (2, 1e9)
    assert 0 <= stats.p50_ms <= stats.p99_ms <= stats.max_ms


def test_threads_lose_no_measurement():
    recorder = LatencyRecorder(warmup=0)
    threads = [
        threading.Thread(target=lambda: [recorder.record("a", 1.0) for _ in range(500)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.stats()["a"].n == 2000


def test_json_comes_back_as_it_was():
    stats = LatencyStats.of([1.0, 2.0, 3.0], warmup_n=1)
    assert LatencyStats(**stats.to_json()) == stats
