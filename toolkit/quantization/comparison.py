"""Every recipe of one network side by side: size, accuracy, speed here, and which one to take."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from device.runtime.benchmark import LatencyRatio, ratio_to_first, time_interleaved
from toolkit.quantization.quantizer import QuantizationResult

RUNS, WARMUP = 100, 10
# A recipe that takes this many times the first one's time is timed apart from the rest: it would slow the
# table.
SLOW = 20.0
TOLERATED_DROP = 0.5  # points
NOT_FASTER = 0.95
CLOSE = 1.25  # times that differ less than this say little of another board


@dataclass(frozen=True)
class Row:
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

    def to_json(self) -> dict:
        return asdict(self)


def compare_recipes(results: Sequence[QuantizationResult], runs: int = RUNS) -> list[Row]:
    """Time all ``results``, float32 first, in turn on the same faces, and return a row for each."""
    faces = results[0].measured.faces.images
    samples_ms = time_interleaved([result.model() for result in results], faces, runs, WARMUP)
    rows = []
    for column, result in enumerate(results):
        measured = result.measured
        rows.append(
            Row(
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


def recommended(rows: Sequence[Row], tolerated_drop: float = TOLERATED_DROP) -> Row:
    """Return the row to take: the fastest of those that lose no more than is tolerated.

    Of those nearly as fast as the fastest int8 wins, whose arithmetic every board and accelerator has, then
    the smallest file.
    """
    fit = [row for row in rows if row.drop_points <= tolerated_drop] or [rows[0]]
    fastest = min(row.p50_ms for row in fit)
    close = [row for row in fit if row.p50_ms <= CLOSE * fastest]
    return min(close, key=lambda row: (row.recipe != "int8", row.size_bytes))


def reasons(rows: Sequence[Row], choice: Row, tolerated_drop: float = TOLERATED_DROP) -> list[str]:
    """Return in plain words why to take ``choice``, and why not each of the others."""
    base = rows[0]
    if choice is not base:
        smaller = _times(base.size_bytes / choice.size_bytes, "smaller")
        lines = [
            f"Take {choice.recipe}: {smaller} and {_speed(choice)} than float32 here, at {_drop(choice)}."
        ]
    elif any(row.drop_points <= tolerated_drop for row in rows[1:]):
        lines = [
            f"Take float32: no quantized variant that stays within {tolerated_drop:g} points is as fast."
        ]
    else:
        lines = [f"Take float32: no quantized variant stays within {tolerated_drop:g} points."]
    for row in rows:
        if row.recipe != choice.recipe:
            lines.append(f"Not {row.recipe}: {_why_not(row, choice, tolerated_drop)}.")
    return lines


def _why_not(row: Row, choice: Row, tolerated_drop: float) -> str:
    if row.drop_points > tolerated_drop:
        return f"it loses {row.drop_points:.2f} points, more than {tolerated_drop:g}"
    if row.p50_ms > SLOW * choice.p50_ms:
        slower = row.p50_ms / choice.p50_ms
        return f"it is {slower:.0f} times slower than {choice.recipe}: no fast kernels exist for it"
    if row.p50_ms > CLOSE * choice.p50_ms:
        return f"it is {row.p50_ms / choice.p50_ms:.1f} times slower than {choice.recipe}"
    if row.recipe == "dynamic":
        return "as fast here, but its float arithmetic keeps it off int8 accelerators and slows it on small cores"
    if row.recipe == "int8-mixed":
        return f"{choice.recipe} is good enough without layers in float"
    larger = row.size_bytes / choice.size_bytes
    return f"it brings nothing over {choice.recipe}, and its file is {larger:.1f} times as large"


def _times(factor: float, word: str) -> str:
    return f"{factor:.1f} times {word}"


def _speed(row: Row) -> str:
    ratio = row.ratio.ratio
    return (
        _times(1 / ratio, "faster")
        if ratio < NOT_FASTER
        else _times(ratio, "slower")
        if ratio > 1
        else "no slower"
    )


def _drop(row: Row) -> str:
    if row.accuracy is None:
        return f"{100 * row.top1_agreement:.1f} % of faces named alike"
    return f"a drop of {row.drop_points:+.2f} points"


def comparison_lines(
    rows: Sequence[Row], choice: Row, synthetic: bool, tolerated_drop: float = TOLERATED_DROP
) -> list[str]:
    """Return the table, a line a recipe, and the recommendation."""
    kind = "synthetic faces (of no real person)" if synthetic else "faces"
    lines = [
        f"measured on {rows[0].n} {kind}; latency on this machine, one thread, in turn",
        f"{'recipe':<21} {'KiB':>7} {'p50 ms':>8} {'of float32':>11} {'accuracy':>9} {'drop (95 %)':>22} {'alike':>8}",
    ]
    for row in rows:
        accuracy = "–" if row.accuracy is None else f"{100 * row.accuracy:.2f} %"
        low, high = row.drop_interval or (float("nan"),) * 2
        drop = f"{row.drop_points:+.2f} ({low:+.2f} to {high:+.2f})" if row.drop_interval else "–"
        lines.append(
            f"{row.recipe:<21} {row.size_bytes / 1024:>7.0f} {row.p50_ms:>8.3f} {row.ratio.ratio:>11.2f} {accuracy:>9} "
            f"{drop:>22} {100 * row.top1_agreement:>6.2f} %"
            + (f"  ({row.n} faces)" if row.n != rows[0].n else "")
        )
    return lines + reasons(rows, choice, tolerated_drop)
