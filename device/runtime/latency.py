"""Latency per stage, in memory that stays flat however long the program runs."""

import math
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

# Latencies are counted in logarithmic bins, as HdrHistogram does: a percentile is right to half a bin (0.25
# %).
GROWTH = 1.005
SHORTEST_MS = 1e-3
BINS = math.ceil(math.log(1e8) / math.log(GROWTH)) + 1  # 1 us to 100 s
DEFAULT_WARMUP = 5


@dataclass(frozen=True)
class LatencyStats:
    """Latency of one stage in milliseconds; ``warmup_n`` first measurements are in none of the figures."""

    n: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    warmup_n: int = 0

    def to_json(self) -> dict[str, float | int]:
        return {name: round(value, 6) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, samples_ms: Iterable[float], warmup_n: int = 0) -> "LatencyStats":
        """Return exact statistics of ``samples_ms``, from which the warm-up is already gone."""
        samples = np.asarray(list(samples_ms), dtype=np.float64)
        p50, p90, p99 = np.percentile(samples, (50, 90, 99))
        return cls(
            len(samples),
            float(samples.mean()),
            float(p50),
            float(p90),
            float(p99),
            float(samples.max()),
            warmup_n,
        )


class _Histogram:
    """Counts in logarithmic bins, with the exact number, sum, least and greatest."""

    def __init__(self) -> None:
        self.counts = np.zeros(BINS, dtype=np.int64)
        self.n = 0
        self.sum_ms = 0.0
        self.min_ms = math.inf
        self.max_ms = 0.0

    def add(self, ms: float) -> None:
        position = math.log(max(ms, SHORTEST_MS) / SHORTEST_MS) / math.log(GROWTH)
        self.counts[min(int(position), BINS - 1)] += 1
        self.n += 1
        self.sum_ms += ms
        self.min_ms = min(self.min_ms, ms)
        self.max_ms = max(self.max_ms, ms)

    def percentile(self, percent: float) -> float:
        """Return the smallest bin centre at or below which ``percent`` of the measurements lie (nearest
        rank).
        """
        rank = max(1, math.ceil(percent / 100 * self.n))
        index = int(np.searchsorted(np.cumsum(self.counts), rank))
        centre = SHORTEST_MS * GROWTH ** (index + 0.5)
        return float(min(max(centre, self.min_ms), self.max_ms))


class LatencyRecorder:
    """Records latencies by stage; the first ``warmup`` of each stage are counted but not measured.

    May be used from several threads. A stage takes 30 kB, however many latencies it has seen.
    """

    def __init__(self, warmup: int = DEFAULT_WARMUP) -> None:
        self.warmup = warmup
        self._histograms: dict[str, _Histogram] = {}
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()

    def record(self, stage: str, ms: float) -> None:
        with self._lock:
            seen = self._seen[stage] = self._seen.get(stage, 0) + 1
            if seen > self.warmup:
                self._histograms.setdefault(stage, _Histogram()).add(ms)

    def stats(self) -> dict[str, LatencyStats]:
        """Return the statistics of each stage, in the order first seen, but those still warming up."""
        with self._lock:
            return {
                name: LatencyStats(
                    n=kept.n,
                    mean_ms=kept.sum_ms / kept.n,
                    p50_ms=kept.percentile(50),
                    p90_ms=kept.percentile(90),
                    p99_ms=kept.percentile(99),
                    max_ms=kept.max_ms,
                    warmup_n=min(self.warmup, self._seen[name]),
                )
                for name in self._seen
                if (kept := self._histograms.get(name)) is not None
            }
