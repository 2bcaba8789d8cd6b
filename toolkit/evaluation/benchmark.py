"""Timing model files on this machine, through the code that the device runs."""

import json
import logging
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from device.board.processor import cpu_name
from device.child_processes import child_environment, last_words, python_module
from device.errors import EdgeError, UsageError
from device.model.expression_model import ExpressionModel
from device.runtime.benchmark import BOOTSTRAPS, LatencyRatio, ratio_to_first, time_interleaved
from device.runtime.latency import LatencyStats
from toolkit.models.network import FloatNetwork
from toolkit.models.options import AS_THE_FILE_SAYS, ModelOptions
from toolkit.models.predictors import Predictor, load_predictors
from toolkit.results.identity import distinct_names, identity_of
from toolkit.results.merge import join_results
from toolkit.results.selection import BUSY_SPREAD
from toolkit.results.types import CLASSIFY, DEVICE, HOST, MEASURED, Latency, ModelResults, Results

log = logging.getLogger(__name__)
# Keras' predict is some hundred times slower than the device's interpreter: fewer rounds, apart from the others,
# so that it does not empty the caches between them.
MOST_KERAS_RUNS, MOST_KERAS_WARMUP = 60, 5
DRIFT_ALLOWED = 1.1
CROPS = 64
RUNS, WARMUP = 500, 50


class Timed:
    """What is timed of a model: its answer for ``batch`` copies of a crop at once, Keras through ``predict``."""

    def __init__(self, predictor: Any, batch: int):
        self.predictor, self.batch = predictor, batch

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return (N * batch, C) float32 probabilities for (N, 48, 48) uint8 crops."""
        crops = np.repeat(crops, self.batch, axis=0)
        if on_device(self.predictor):
            return np.asarray(self.predictor.predict(crops))
        return np.asarray(self.predictor.model.predict(self.predictor.prepare(crops), verbose=0))


def benchmark_on(
    paths: Sequence[str], targets: Sequence[str], options: ModelOptions, **counts: int
) -> Results:
    """Measure on this machine (target 'host') and estimate on boards; ``counts`` are those of benchmark_files.

    UsageError for what decides a measurement where nothing is measured.
    """
    boards = [target for target in targets if target != HOST]
    documents = []
    if HOST not in targets:
        _refuse_measured(options, counts)
    if boards:
        from toolkit.emulation.estimate import estimate_files

        # Keras models stand beside as a yardstick of the host; alone, estimate_files tells what to do.
        runnable = [path for path in dict.fromkeys(paths) if Path(path).suffix == ".tflite"] or list(paths)
        documents.append(estimate_files(runnable, boards, options.labels))
    if HOST in targets:
        documents.insert(0, benchmark_files(paths, options=options, **counts))
    return documents[0] if len(documents) == 1 else replace(join_results(documents), command="benchmark")


def _refuse_measured(options: ModelOptions, counts: dict[str, int]) -> None:
    """Raise UsageError for an option of a measurement: an estimate is of one face at a time on one thread."""
    given = {**counts, **vars(replace(options, labels=None))}
    usual = {"runs": RUNS, "warmup": WARMUP, "batch": 1, **vars(AS_THE_FILE_SAYS)}
    for name, value in given.items():
        if value != usual[name]:
            raise UsageError(
                f"`{name}` is for a measurement, which `target` without host makes none of; add `target=host` or leave "
                "it out"
            )


def on_device(predictor: Predictor) -> bool:
    """Return whether the device runs this model (TFLite), rather than Keras on the host."""
    return isinstance(predictor, ExpressionModel)


def cold_start(path: str | Path, options: ModelOptions = AS_THE_FILE_SAYS) -> dict[str, float]:
    """Return import_ms, load_ms, first_inference_ms and peak_memory_mb of a fresh process with this model only."""
    command = python_module("toolkit.evaluation.cold_start", str(path), json.dumps(asdict(options)))
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment())
    if done.returncode:
        raise EdgeError(f"{path} does not start in a process of its own: {last_words(done)}")
    facts = json.loads(done.stdout.splitlines()[-1])
    return {name: round(value, 3) for name, value in facts.items()}


def benchmark_files(
    paths: Sequence[str],
    runs: int = RUNS,
    warmup: int = WARMUP,
    batch: int = 1,
    options: ModelOptions = AS_THE_FILE_SAYS,
) -> Results:
    """Time model files interleaved; ratios are to the first of ``paths``.

    Raises EdgeError for a model that does not load, UsageError for counts below 1, a warm-up below 0.
    """
    threads = options.threads
    counts = (("`runs`", runs, 1), ("`warmup`", warmup, 0), ("`threads`", threads, 1), ("`batch`", batch, 1))
    for name, value, least in counts:
        if value < least:
            raise UsageError(f"{name} is {value}; expected at least {least}")
    paths = list(dict.fromkeys(paths))
    predictors = load_predictors(paths, options)
    for path, predictor in predictors.items():
        if isinstance(predictor, FloatNetwork):
            log.info(
                f"pixels enter {path} as {predictor.pixel_range}: {predictor.range_from}; times are the same"
            )
    samples = _all_samples(predictors, runs, warmup, batch)
    entries, called = [], distinct_names(paths)
    for path in paths:
        log.info(f"starting {path} in a process of its own for its loading time and memory")
        extra = {
            "ratio_to": called[paths[0]],
            **samples[path][1],
            **cold_start(path, options),
        }
        latency = _latency(predictors[path], samples[path][0], warmup, threads, batch, extra)
        entries.append(ModelResults(identity_of(path, predictors[path], called[path]), latencies=(latency,)))
    return Results(tuple(entries), "benchmark")


def _all_samples(
    predictors: dict[str, Predictor], runs: int, warmup: int, batch: int
) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Return each model's latencies in ms and its ratio to the first model."""
    slow = [path for path in predictors if not on_device(predictors[path])]
    fast = [path for path in predictors if path not in slow]
    few, few_warmup = min(runs, MOST_KERAS_RUNS), min(warmup, MOST_KERAS_WARMUP)
    columns: dict[str, np.ndarray] = {}
    ratios: dict[str, LatencyRatio] = {}
    crops = _crops()  # before the first line: Ctrl-C is lost in what NumPy imports for them
    for group, rounds, warm in ((fast, runs, warmup), (slow, few, few_warmup)):
        if not group:
            continue
        log.info(f"timing {', '.join(group)}: {rounds} rounds in turn, {warm} for warm-up")
        # time_interleaved asks of a model only that it has the device model's ``predict``.
        timed: list[Any] = [Timed(predictors[path], batch) for path in group]
        measured = time_interleaved(timed, crops, rounds, warm)
        columns |= dict(zip(group, measured.T, strict=True))
        if next(iter(predictors)) == group[0]:
            ratios = {path: ratio_to_first(measured, column) for column, path in enumerate(group)}
    first = next(iter(predictors))
    for path in predictors:
        ratios.setdefault(path, ratio_of_medians(columns[path], columns[first]))
    return {path: (columns[path], {"ratio": ratios[path].to_json()}) for path in predictors}


def ratio_of_medians(samples_ms: np.ndarray, first_ms: np.ndarray) -> LatencyRatio:
    """Return the ratio of two medians, of (rounds,) milliseconds each, that were not measured in turn; the interval,
    95 %, is a bootstrap of each."""
    rng = np.random.default_rng(0)
    medians = [np.median(rng.choice(one, (BOOTSTRAPS, len(one))), axis=1) for one in (samples_ms, first_ms)]
    low, high = np.percentile(medians[0] / medians[1], (2.5, 97.5))
    return LatencyRatio(float(np.median(samples_ms) / np.median(first_ms)), float(low), float(high))


def _crops() -> np.ndarray:
    """Return faces to time with: noise will do, the arithmetic of a network does not depend on its pixels."""
    return np.random.default_rng(0).integers(0, 256, (CROPS, 48, 48), dtype=np.uint8)


def _latency(
    predictor: Predictor, samples_ms: np.ndarray, warmup: int, threads: int, batch: int, extra: dict[str, Any]
) -> Latency:
    half = len(samples_ms) // 2
    drift = float(np.median(samples_ms[half:]) / np.median(samples_ms[:half])) if half else 1.0
    spread = float(np.percentile(samples_ms, 99) / np.median(samples_ms))
    keras = not on_device(predictor)
    facts = {
        "throughput_per_s": round(1000 * batch / float(samples_ms.mean()), 2),
        # Over 1: the second half of the run was slower than the first; the machine was not at rest.
        "drift_ratio": round(drift, 4),
        "steady": bool(1 / DRIFT_ALLOWED < drift < DRIFT_ALLOWED) and spread < BUSY_SPREAD,
        "quantiles_ms": [round(float(value), 5) for value in np.percentile(samples_ms, np.arange(101))],
    }
    stats = LatencyStats.of(samples_ms, min(warmup, MOST_KERAS_WARMUP) if keras else warmup)
    return Latency(
        target=HOST,
        origin=MEASURED,
        stages={CLASSIFY: dict(stats.to_json())},
        runtime="keras predict" if keras else DEVICE,
        threads=threads,
        batch=batch,
        extra={**facts, **extra},
        cpu=cpu_name(),
    )
