"""Every recipe of one network side by side: size, accuracy, speed here, and which one to take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.runtime.benchmark import LatencyRatio, ratio_to_first, time_interleaved
from toolkit.quantization.quantizer import QuantizationResult
from toolkit.results.decision import TOLERATED_DROP_POINTS, Candidate, Decision, decide
from toolkit.results.words import change_points

RUNS, WARMUP = 100, 10


@dataclass(frozen=True)
class RecipeRow:
    """One recipe. ``ratio``: its median latency on this machine over that of float32, one thread."""

    recipe: str
    size_bytes: int
    p50_ms: float
    ratio: LatencyRatio
    accuracy: float | None
    drop_points: float
    drop_interval: tuple[float, float] | None
    top1_agreement: float
    n: int
    kept_float: tuple[str, ...]

    @property
    def candidate(self) -> Candidate:
        """What decides about the recipe."""
        score = self.top1_agreement if self.accuracy is None else self.accuracy
        return Candidate(self.recipe, self.recipe, self.size_bytes, 100 * score, self.p50_ms)


def compare_recipes(results: Sequence[QuantizationResult]) -> list[RecipeRow]:
    """Time all ``results``, float32 first, in turn on the same faces, and return a row for each."""
    faces = results[0].measured.faces.seen(results[0].metadata.colour)
    samples_ms = time_interleaved([result.model() for result in results], faces, RUNS, WARMUP)
    rows = []
    for column, result in enumerate(results):
        measured = result.measured
        rows.append(
            RecipeRow(
                recipe=result.recipe.name,
                size_bytes=len(result.content),
                p50_ms=float(np.median(samples_ms[:, column])),
                ratio=ratio_to_first(samples_ms, column),
                accuracy=measured.quantized_report.accuracy if measured.quantized_report else None,
                drop_points=measured.drop_points,
                drop_interval=measured.paired.drop_interval if measured.paired else None,
                top1_agreement=measured.top1_agreement,
                n=len(measured.faces),
                kept_float=result.recipe.kept_float,
            )
        )
    return rows


def recommended(rows: Sequence[RecipeRow], tolerated_drop: float = TOLERATED_DROP_POINTS) -> Decision:
    """Return which recipe to take, by the rule of the report, and why."""
    return decide([row.candidate for row in rows], tolerated_drop)


def comparison_lines(rows: Sequence[RecipeRow], decision: Decision, synthetic: bool) -> list[str]:
    """Return the table, a line a recipe, and the decision. A change is negative where accuracy is lost."""
    kind = "synthetic faces (of no real person)" if synthetic else "faces"
    lines = [
        f"measured on {rows[0].n} {kind}; latency on this machine, one thread, in turn",
        f"{'recipe':<21} {'KiB':>7} {'p50 ms':>8} {'of float32':>11} {'accuracy':>9} {'change (95 %)':>22} "
        f"{'alike':>8}",
    ]
    for row in rows:
        accuracy = "–" if row.accuracy is None else f"{100 * row.accuracy:.2f} %"
        change = change_points(row.drop_points, row.drop_interval) if row.drop_interval else "–"
        lines.append(
            f"{row.recipe:<21} {row.size_bytes / 1024:>7.0f} {row.p50_ms:>8.3f} {row.ratio.ratio:>11.2f} {accuracy:>9} "
            f"{change:>22} {100 * row.top1_agreement:>6.2f} %"
            + (f"  ({row.n} faces)" if row.n != rows[0].n else "")
        )
    return [*lines, *decision.reasons]
