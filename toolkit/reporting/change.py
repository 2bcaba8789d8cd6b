"""What changed between two reports, model by model, and the figures that conditions speak of."""

import math
from dataclasses import dataclass

from toolkit.results.metrics import EvaluationReport
from toolkit.results.selection import ModelRow, Selection, select
from toolkit.results.types import MEASURED, Evaluation, Results

FIGURES = (
    "accuracy", "balanced_accuracy", "calibration_error", "drop", "agreement", "p50_ms", "p90_ms", "p99_ms",
    "p50_ratio", "size_kib", "size_ratio", "parameters", "peak_memory_mb",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One model before and after. ``drop``: points of accuracy lost, None where the faces are not the same."""

    name: str
    old_accuracy: float | None
    new_accuracy: float | None
    drop: float | None
    drop_interval: tuple[float, float] | None
    old_p50_ms: float | None
    new_p50_ms: float | None
    p50_ratio: float | None
    old_size: int
    new_size: int
    same_file: bool
    synthetic: bool
    note: str = ""


@dataclass(frozen=True)
class Changes:
    """What changed between two reports: the ``models`` that both have, and ``notes`` on the others."""

    models: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def remarks(self) -> list[str]:
        """What could not be compared, and which models are new or gone, a line each."""
        return [*(f"{one.name}: {one.note}." for one in self.models if one.note), *self.notes]


def unpaired_interval(old: EvaluationReport, new: EvaluationReport) -> tuple[float, float]:
    """Return the 95 % interval of the accuracy lost, in points (Newcombe 1998, method 10, from Wilson's intervals).

    The faces are the same but the predictions of the older model are gone, so this is wider than a paired one.
    """
    p, (p_low, p_high) = old.accuracy, old.interval
    q, (q_low, q_high) = new.accuracy, new.interval
    low = p - q - math.hypot(p - p_low, q_high - q)
    high = p - q + math.hypot(p_high - p, q - q_low)
    return 100 * low, 100 * high


def changes(old: Results, new: Results) -> Changes:
    """Return the change of each model that both have, by name (or of the only one), and notes on the others."""
    before = {row.name: row for row in select(old).rows}
    after = {row.name: row for row in select(new).rows}
    if len(before) == len(after) == 1:
        before = dict.fromkeys(after, next(iter(before.values())))
    found = tuple(_change(name, before[name], row) for name, row in after.items() if name in before)
    notes = [f"{name} is new." for name in after if name not in before]
    notes += [f"{name} is gone." for name in before if name not in after]
    return Changes(found, tuple(notes))


def _change(name: str, old: ModelRow, new: ModelRow) -> Change:
    was, now = _same_faces(old, new)
    notes = []
    if was is None and (old.entry.evaluations or new.entry.evaluations):
        notes.append("accuracy on other faces, or labels in another order: not compared")
    comparable, same_file = _same_machine(old, new), old.entry.model.sha256 == new.entry.model.sha256
    if not comparable and (old.latency or new.latency):
        notes.append("latency on another target or processor, or with other threads or batch: not compared")
    lost = 100 * (was.report.accuracy - now.report.accuracy) if was and now else None
    return Change(
        name=name,
        old_accuracy=was.report.accuracy if was else old.accuracy,
        new_accuracy=now.report.accuracy if now else new.accuracy,
        drop=lost,
        drop_interval=unpaired_interval(was.report, now.report) if was and now and not same_file else None,
        old_p50_ms=old.p50_ms,
        new_p50_ms=new.p50_ms,
        p50_ratio=(new.p50_ms or 0) / old.p50_ms if comparable and old.p50_ms else None,
        old_size=old.entry.model.size_bytes,
        new_size=new.entry.model.size_bytes,
        same_file=same_file,
        synthetic=bool(now and now.data.synthetic),
        note="; ".join(notes),
    )


def _same_faces(old: ModelRow, new: ModelRow) -> tuple[Evaluation | None, Evaluation | None]:
    """Return the two evaluations on the same faces, those that the new report compares by first."""
    wanted = [new.evaluation] if new.evaluation else []
    for now in (*wanted, *new.entry.evaluations):
        if was := old.entry.evaluation_on(now.data.fingerprint):
            return was, now
    return None, None


def _same_machine(old: ModelRow, new: ModelRow) -> bool:
    if old.latency is None or new.latency is None:
        return False
    return (old.latency.machine, old.latency.way) == (new.latency.machine, new.latency.way)


def figures(selection: Selection, compared: Changes | None = None) -> dict[str, dict[str, float]]:
    """Return the FIGURES of each model that are known.

    drop, p50_ratio, size_ratio: against the older report where ``compared`` is given, else against the model's
    float original and the benchmark's first model.
    """
    found = {row.name: _figures(row, compared is None) for row in selection.rows}
    for change in compared.models if compared else ():
        more = {
            "drop": change.drop,
            "p50_ratio": change.p50_ratio,
            "size_ratio": change.new_size / change.old_size,
        }
        found[change.name].update({key: value for key, value in more.items() if value is not None})
    return found


def _figures(row: ModelRow, against_float: bool) -> dict[str, float]:
    model, latency = row.entry.model, row.latency
    known: dict[str, float | None] = {"size_kib": model.size_bytes / 1024, "parameters": model.parameters}
    if row.evaluation:
        report = row.evaluation.report
        known |= {"accuracy": report.accuracy, "balanced_accuracy": report.balanced_accuracy}
        known["calibration_error"] = report.expected_calibration_error
    if row.comparison:
        known["agreement"] = row.comparison.paired.top1_agreement
        known["drop"] = row.comparison.paired.drop_points if against_float else None
    if latency:
        # An estimate has no spread.
        percentiles = ("p50_ms", "p90_ms", "p99_ms") if latency.origin == MEASURED else ("p50_ms",)
        known |= {key: latency.inference[key] for key in percentiles}
        known["peak_memory_mb"] = latency.extra.get("peak_memory_mb")
        # The first model's ratio to itself says nothing.
        if against_float and latency.extra.get("ratio_to") != model.name:
            known["p50_ratio"] = latency.extra.get("ratio", {}).get("ratio")
    return {key: value for key, value in known.items() if value is not None}
