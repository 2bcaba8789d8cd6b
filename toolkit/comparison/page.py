"""The page of a comparison: ranking, curves, and for each variant what it confuses; JSON beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.files import write_together
from toolkit.charts.matrices import confusion
from toolkit.charts.network_charts import accuracy_panels
from toolkit.charts.pages import data_uri, render_page
from toolkit.charts.training_pictures import draw_samples
from toolkit.comparison.measure import Measured
from toolkit.comparison.runs import Run
from toolkit.data.dataset import Dataset

PAGE, DOCUMENT = "index.html", "compare.json"


def write_page(
    out: Path, runs: Sequence[Run], measured: Sequence[Measured], split: str, faces: Dataset
) -> dict[str, Any]:
    """Write OUT/index.html and OUT/compare.json; return the JSON."""
    html = render_page(
        "toolkit.comparison",
        "page.html",
        measured=measured,
        failed=[run for run in runs if run.error],
        quantized=any(one.quantized or one.why_not_quantized for one in measured),
        split=split,
        faces=faces,
        curves=_curves(measured),
        details=[_details(number, one, faces) for number, one in enumerate(measured)],
        boards=sorted({board for one in measured if one.quantized for board in one.quantized.estimates_ms}),
        seeds=max(len(one.ranked.by_seed) for one in measured),
    )
    document = to_json(runs, measured, split, faces)
    write_together({out / DOCUMENT: json.dumps(document, indent=1) + "\n", out / PAGE: html})
    return document


def to_json(runs: Sequence[Run], measured: Sequence[Measured], split: str, faces: Dataset) -> dict[str, Any]:
    """Return the ranking as plain values; accuracies as ratios, differences in points."""
    rows = []
    for one in measured:
        small = one.quantized
        row: dict[str, Any] = {
            "name": one.ranked.name,
            "accuracy": one.ranked.accuracy,
            "interval": list(one.ranked.interval),
            "by_seed": list(one.ranked.by_seed),
            "behind_points": one.ranked.behind,
            "behind_interval": list(one.ranked.behind_interval) if one.ranked.behind_interval else None,
            "p": one.ranked.p,
            "macro_f1": one.report.macro_f1,
            "parameters": one.parameters,
            "int8": None,
        }
        if small:
            row["int8"] = {
                "file": str(small.path),
                "size_bytes": small.path.stat().st_size,
                "drop_points": small.paired.drop_points,
                "drop_interval": list(small.paired.drop_interval),
                "p50_ms": small.p50_ms,
                "estimates_ms": small.estimates_ms,
            }
        rows.append(row)
    failed = [{"name": run.variant.name, "seed": run.seed, "error": run.error} for run in runs if run.error]
    return {
        "split": split,
        "faces": len(faces),
        "sha256": faces.fingerprint(),
        "ranking": rows,
        "failed": failed,
    }


def _curves(measured: Sequence[Measured]) -> str:
    histories = {}
    for one in measured:
        curves = {name: one.history[f"{name}_accuracy"] for name in ("training", "validation")}
        histories[one.ranked.name] = curves
    return accuracy_panels(histories, "curves")


def _details(number: int, one: Measured, faces: Dataset) -> dict[str, Any]:
    samples = draw_samples(faces.seen(colour=True), faces.labels, one.probabilities, faces.classes, seed=0)
    return {
        "name": one.ranked.name,
        "confusion": confusion(one.report, f"confusion{number}", f"Confusion of {one.ranked.name}"),
        "classes": one.report.per_class,
        "samples": data_uri(samples),
    }
