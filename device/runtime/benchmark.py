"""Timing models against each other, fairly: one inference of each in turn, so that a busy moment hits all
alike.
"""

import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from device.board.processor import cpu_name
from device.board.state import read_board
from device.model.expression_model import ExpressionModel
from device.runtime.latency import LatencyStats
from device.text import counted

BOOTSTRAPS = 1000


@dataclass(frozen=True)
class LatencyRatio:
    """A model's median latency over the first model's, with its 95 % interval."""

    ratio: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def time_interleaved(
    models: Sequence[ExpressionModel], crops: np.ndarray, runs: int, warmup: int
) -> np.ndarray:
    """Return latencies in ms, ``(runs, models)``, of single inferences A B C A B C ...; ``warmup`` rounds
    come first.

    ``crops``: ``(N, H, W) uint8`` gray, taken in turn. A latency spans what the device does with a crop:
    input conversion, inference, probabilities.
    """
    samples_ms = np.empty((runs, len(models)))
    for run in range(-warmup, runs):
        crop = crops[run % len(crops)][None]
        for column, model in enumerate(models):
            start_ns = time.perf_counter_ns()
            model.predict(crop)
            if run >= 0:
                samples_ms[run, column] = (time.perf_counter_ns() - start_ns) / 1e6
    return samples_ms


def ratio_to_first(samples_ms: np.ndarray, column: int) -> LatencyRatio:
    """Return the ratio of the medians of ``column`` and of the first column of (rounds, models) milliseconds; the
    interval, 95 %, is a bootstrap over rounds.
    """
    rng = np.random.default_rng(0)
    pair = samples_ms[:, [0, column]]
    rounds = rng.integers(len(pair), size=(BOOTSTRAPS, len(pair)))
    medians = np.median(pair[rounds], axis=1)
    low, high = np.percentile(medians[:, 1] / medians[:, 0], (2.5, 97.5))
    first, other = np.median(pair, axis=0)
    return LatencyRatio(float(other / first), float(low), float(high))


def benchmark_document(models: Sequence[ExpressionModel], runs: int, warmup: int) -> dict[str, Any]:
    """Time ``models`` on seeded noise (their time does not depend on the face) and return a document for
    JSON.

    It names the machine: ``board`` by its device tree, None where there is none, and ``cpu``.
    """
    crops = np.random.default_rng(0).integers(0, 256, (32, *models[0].input_size_hw), dtype=np.uint8)
    samples_ms = time_interleaved(models, crops, runs, warmup)
    entries = []
    for column, model in enumerate(models):
        entry = {
            "path": str(model.path),
            "sha256": model.sha256,
            "size_bytes": model.path.stat().st_size,
            "recipe": model.metadata.recipe if model.metadata else None,
            "threads": model.threads,
            "latency": LatencyStats.of(samples_ms[:, column], warmup).to_json(),
        }
        if column:
            entry["ratio_to_first"] = ratio_to_first(samples_ms, column).to_json()
        entries.append(entry)
    return {
        "board": read_board().model,
        "cpu": cpu_name(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "models": entries,
    }


def document_lines(document: dict[str, Any]) -> list[str]:
    """Return the document as lines for a person."""
    lines = []
    for entry in document["models"]:
        stats = entry["latency"]
        line = (
            f"{entry['path']}: p50 {stats['p50_ms']:.3f} ms, p90 {stats['p90_ms']:.3f}, p99 {stats['p99_ms']:.3f}, "
            f"mean {stats['mean_ms']:.3f} ({counted(stats['n'], 'inference')} after {stats['warmup_n']} of warm-up, "
            f"{entry['threads']} thread{'s' if entry['threads'] > 1 else ''})"
        )
        if ratio := entry.get("ratio_to_first"):
            line += f"; {ratio['ratio']:.2f} of the first (95 %: {ratio['low']:.2f} to {ratio['high']:.2f})"
        lines.append(line)
    return lines
