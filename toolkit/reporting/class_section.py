"""The choice's classes, its calibration and its limits in words, and what speaks against using it."""

from typing import Any

from toolkit.results.metrics import EvaluationReport
from toolkit.results.selection import Selection
from toolkit.results.types import DataIdentity, Evaluation
from toolkit.results.words import percent

WEAK_RECALL = 0.5
HARDLY_FOUND, FEWEST_TO_JUDGE = 0.2, 10  # recall; faces of a class
POOR = 0.5  # accuracy
SURE_ENOUGH = 0.02  # of the mean confidence, beside the accuracy


def hardly_found(report: EvaluationReport) -> list[str]:
    """Return the classes of which the model finds almost no face."""
    return [
        name
        for name, one in report.per_class.items()
        if one.recall is not None and one.recall < HARDLY_FOUND and one.n >= FEWEST_TO_JUDGE
    ]


def doubts(selection: Selection) -> list[str]:
    """Return what speaks against using the choice at all."""
    choice = selection.choice
    if choice is None or choice.evaluation is None:
        return []
    report = choice.evaluation.report
    lines = []
    if report.accuracy < POOR:
        lines.append(f"{choice.name} names most faces wrong: {percent(1 - report.accuracy)} of {report.n:,}.")
    for name in hardly_found(report):
        one = report.per_class[name]
        lines.append(f"It hardly ever finds '{name}': {percent(one.recall)} of {one.n:,} such faces.")
    return lines


def classes(selection: Selection) -> dict[str, Any]:
    """Return the choice's per-class table, its calibration and its limits in words."""
    choice = selection.choice
    if choice is None or choice.evaluation is None:
        return {"classes": [], "calibration_note": "", "limits": "No accuracy was measured."}
    report, data = choice.evaluation.report, choice.evaluation.data
    before = selection.baseline.evaluation if selection.baseline else None
    synthetic = (
        " Synthetic faces reveal a fault of conversion; how well a model does on people they do not tell."
        if data.synthetic
        else ""
    )
    return {
        "classes": _class_lines(report, before),
        "classes_before": before is not None,
        "classes_note": f"{choice.name}; recall is the share of a class's faces that were named so.{synthetic}",
        "calibration_note": _calibration(choice.name, report),
        "limits": _limits(choice.name, report, data),
    }


def _class_lines(report: EvaluationReport, before: Evaluation | None) -> list[dict[str, Any]]:
    """Return a line a class: its figures, those of the baseline, and the change of recall in points."""
    lines: list[dict[str, Any]] = []
    for name, metrics in report.per_class.items():
        old = before.report.per_class[name] if before else None
        both = old is not None and old.recall is not None and metrics.recall is not None
        change = 100 * (metrics.recall - old.recall) if both else None  # type: ignore[operator,union-attr]
        lines.append({"name": name, "metrics": metrics, "before": old, "change": change})
    return lines


def _calibration(name: str, report: EvaluationReport) -> str:
    gap = report.mean_confidence - report.accuracy
    kind = "about as sure as it should be"
    if abs(gap) > SURE_ENOUGH:
        kind = "over-confident" if gap > 0 else "under-confident"
    return (
        f"On the dashed line a model that says 70 % is right in 70 % of cases. {name} is {kind}: "
        f"its mean confidence is {percent(report.mean_confidence)}, its accuracy {percent(report.accuracy)}; "
        f"the expected calibration error is {percent(report.expected_calibration_error)}. "
        "Larger marks stand for more faces."
    )


def _limits(name: str, report: EvaluationReport, data: DataIdentity) -> str:
    faces = "synthetic faces" if data.synthetic else "faces"
    limits = (
        f"{name} was wrong on {percent(1 - report.accuracy)} of the {report.n:,} {faces} it was measured on."
    )
    weak = [
        called
        for called, one in report.per_class.items()
        if one.recall is not None and one.recall < WEAK_RECALL
    ]
    return limits + (f" It finds fewer than half of the faces that show: {', '.join(weak)}." if weak else "")
