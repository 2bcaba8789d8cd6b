"""Which figures may stand side by side, and what they say: groups of equal data, the Pareto front, the choice."""

import re
from collections import Counter
from dataclasses import dataclass

from toolkit.results.decision import Candidate, Decision, decide
from toolkit.results.types import (
    CLASSIFY,
    DEVICE,
    ESTIMATED,
    HOST,
    MEASURED,
    Comparison,
    DataIdentity,
    Evaluation,
    Latency,
    Machine,
    ModelResults,
    Results,
)
from toolkit.results.words import short_text

BUSY_SPREAD = 5.0  # p99 over p50 of a machine at rest is below 3
INTEGERS = re.compile(r"(?<![a-z])(u?int\d|(full_)?integer|dynamic)")  # in the name of a recipe or a file


@dataclass(frozen=True)
class ModelRow:
    """One model in the comparison: its accuracy on the common faces and its latency on the common target."""

    name: str
    entry: ModelResults
    evaluation: Evaluation | None
    latency: Latency | None
    alone: bool = True  # no other row has this name but for the suffix

    @property
    def short_name(self) -> str:
        """The name without its suffix, for charts."""
        return self.name.removesuffix(".tflite").removesuffix(".keras") if self.alone else self.name

    @property
    def accuracy(self) -> float | None:
        """Accuracy, 0..1, on the common faces."""
        return self.evaluation.report.accuracy if self.evaluation else None

    @property
    def p50_ms(self) -> float | None:
        """Median latency of one inference on the common target."""
        return self.latency.inference["p50_ms"] if self.latency else None

    @property
    def kind(self) -> str:
        """'keras', 'float' or 'quantized'."""
        if self.entry.model.format != "tflite":
            return "keras"
        recipe = self.entry.model.recipe or self.entry.model.name
        return "quantized" if INTEGERS.search(recipe.lower()) else "float"

    @property
    def comparison(self) -> Comparison | None:
        """The face-by-face comparison made on the common faces, if any."""
        return self.entry.comparison_on(self.evaluation.data.fingerprint) if self.evaluation else None


@dataclass(frozen=True)
class Selection:
    """What the report compares: rows on one set of faces and one machine; ``notes`` say what is left out, ``reasons``
    why to take ``choice`` and none of the others."""

    rows: tuple[ModelRow, ...]
    data: DataIdentity | None
    machine: Machine | None
    front: tuple[str, ...]
    choice: ModelRow | None
    notes: tuple[str, ...]
    reasons: tuple[str, ...] = ()

    @property
    def baseline(self) -> ModelRow | None:
        """The row that the choice is compared with face by face, if any."""
        compared = self.choice.comparison if self.choice else None
        return self.row_of(compared.baseline_sha256) if compared else None

    def row_of(self, sha256: str) -> ModelRow | None:
        """Return the row of the model file of this digest, None where there is none."""
        return next((row for row in self.rows if row.entry.model.sha256 == sha256), None)


def _display_names(entries: tuple[ModelResults, ...]) -> dict[str, str]:
    """Return a name for each model by its SHA-256; files of the same name get the start of the digest too."""
    names = {entry.model.sha256: short_text(entry.model.name) for entry in entries}
    counts = Counter(names.values())
    return {digest: name if counts[name] == 1 else f"{name} ({digest[:6]})" for digest, name in names.items()}


def common_data(entries: tuple[ModelResults, ...]) -> DataIdentity | None:
    """Return the faces to compare on: real before synthetic, then most models, then most faces."""
    groups: dict[str, list[DataIdentity]] = {}
    for entry in entries:
        for evaluation in entry.evaluations:
            groups.setdefault(evaluation.data.fingerprint, []).append(evaluation.data)
    if not groups:
        return None
    return max(groups.values(), key=lambda found: (not found[0].synthetic, len(found), found[0].n))[0]


def common_machine(entries: tuple[ModelResults, ...]) -> Machine | None:
    """Return where the latencies to compare were taken: a measured board, then a host, then an estimate; of equal
    ones where most models were timed, then the first."""
    counts: dict[Machine, int] = {}
    for entry in entries:
        for machine in dict.fromkeys(found.machine for found in entry.latencies if CLASSIFY in found.stages):
            counts[machine] = counts.get(machine, 0) + 1
    if not counts:
        return None
    return max(counts, key=lambda one: (one.origin != ESTIMATED, one.target != HOST, counts[one]))


def latency_on(entry: ModelResults, machine: Machine | None) -> Latency | None:
    """Return the entry's latency on ``machine``: of several that with the smallest batch and the fewest threads."""
    found = [one for one in entry.latencies if one.machine == machine and CLASSIFY in one.stages]
    return min(found, key=lambda one: (one.batch, one.threads), default=None)


def pareto_front(points: dict[str, tuple[float, float]]) -> tuple[str, ...]:
    """Return the names whose (latency, accuracy) no other point beats in both, fastest first."""
    front, best = [], float("-inf")
    for name, (_, accuracy) in sorted(points.items(), key=lambda item: (item[1][0], -item[1][1])):
        if accuracy > best:
            front.append(name)
            best = accuracy
    return tuple(front)


def decide_among(rows: tuple[ModelRow, ...]) -> Decision:
    """Return which row to take of those whose accuracy was measured, and why.

    Keras' own ``predict`` is no way in which anything runs on a device: its time counts for nothing.
    """
    return decide(
        [
            Candidate(
                row.name,
                row.entry.model.recipe,
                row.entry.model.size_bytes,
                100 * row.accuracy,
                row.p50_ms if row.latency and row.latency.runtime == DEVICE else None,
            )
            for row in rows
            if row.accuracy is not None
        ]
    )


def select(results: Results) -> Selection:
    """Return what of ``results`` may be compared, and the choice among it."""
    entries = results.models
    names, data, machine = _display_names(entries), common_data(entries), common_machine(entries)
    rows = []
    stems = [name.rsplit(".", 1)[0] for name in names.values()]
    for entry in entries:
        evaluation = entry.evaluation_on(data.fingerprint) if data else None
        latency = latency_on(entry, machine)
        name = names[entry.model.sha256]
        alone = stems.count(name.rsplit(".", 1)[0]) == 1
        rows.append(ModelRow(name, entry, evaluation, latency, alone))
    points = {
        row.name: (row.p50_ms, row.accuracy)
        for row in rows
        if row.p50_ms is not None and row.accuracy is not None
    }
    front = pareto_front(points)
    kept = tuple(rows)
    decision = decide_among(kept)
    return Selection(
        rows=kept,
        data=data,
        machine=machine,
        front=front,
        choice=next((row for row in kept if row.name == decision.choice), None),
        notes=tuple(_notes(kept, data, machine)),
        reasons=decision.reasons,
    )


def _notes(rows: tuple[ModelRow, ...], data: DataIdentity | None, machine: Machine | None) -> list[str]:
    notes = []
    if data and data.synthetic:
        notes.append(
            "Accuracy here is on synthetic faces, of no real person: enough to notice a fault of conversion, not to "
            "tell how well a model does on people."
        )
    if data and any(row.evaluation and len(data.classes) < len(row.entry.model.labels) for row in rows):
        notes.append(f"The models were held to {', '.join(data.classes)} alone.")
    for row in rows:
        if row.evaluation and row.evaluation.note:
            notes.append(f"{row.name}: {row.evaluation.note}.")
        if row.evaluation is None:
            notes.append(f"{row.name} {_why_without_accuracy(row, data)}.")
        if row.latency is None and machine:
            notes.append(f"{row.name} was not timed on {machine.words}.")
    return notes + _doubts_about_times(rows)


def _why_without_accuracy(row: ModelRow, data: DataIdentity | None) -> str:
    """Return why ``row`` has no accuracy on the common faces, ``data``."""
    others = [found.data for found in row.entry.evaluations]
    if not others:
        return "was not evaluated on labelled faces"
    reason = f"on other faces ({others[0].source}, {others[0].split})"
    if data and (data.source, data.split, data.n) in [(one.source, one.split, one.n) for one in others]:
        reason = "with the labels in another order"
    return f"was evaluated {reason} and is not compared by accuracy"


def _doubts_about_times(rows: tuple[ModelRow, ...]) -> list[str]:
    """Return why the times of ``rows`` are not to be believed, a line a reason."""
    busy: dict[str, float] = {}
    drifted = []
    for row in rows:
        stats = row.latency.inference if row.latency and row.latency.origin == MEASURED else None
        if stats and stats["p99_ms"] > BUSY_SPREAD * stats["p50_ms"]:
            busy[row.name] = stats["p99_ms"] / max(stats["p50_ms"], 1e-6)
        elif row.latency and not row.latency.extra.get("steady", True):
            drifted.append(row.name)
    lines = []
    if busy:
        names, times = ", ".join(busy), f"p99 is up to {max(busy.values()):.0f} times p50"
        lines.append(
            f"The machine was too busy to believe the times of {names}: {times}; measure again at rest."
        )
    if drifted:
        names = ", ".join(drifted)
        lines.append(f"The machine was not at rest for {names}: latency drifted by over 10 %; measure again.")
    return lines
