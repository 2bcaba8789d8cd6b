"""The report as Markdown, for a pull request."""

import re
from pathlib import Path

from toolkit.reporting.change import Change, Changes
from toolkit.results.data_facts import DataFacts
from toolkit.results.selection import ModelRow, Selection
from toolkit.results.types import ESTIMATED, MEASURED
from toolkit.results.words import change_points, interval, percent, short_count, short_ms, signed


def render_markdown(
    selection: Selection,
    compared: Changes | None = None,
    data_sets: tuple[DataFacts, ...] = (),
) -> str:
    """Return the decision, the models, what was compared face by face, what changed since, and what is in the data."""
    parts = [_head(selection), _models(selection), _quantized(selection)]
    if compared is not None:
        parts.insert(1, _changes(compared))
    parts += [_data_set(facts) for facts in data_sets]
    parts += [f"> {plain(note)}" for note in selection.notes]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Return text that is neither HTML, link nor a cell's end to a reader of Markdown; a name keeps its underscores."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\|`\[\]])", r"\\\1", text)


def _table(headings: list[str], rows: list[list[str]]) -> str:
    rule = ["---"] + ["--:"] * (len(headings) - 1)
    lines = [[plain(cell) for cell in row] for row in (headings, *rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (lines[0], rule, *lines[1:]))


def _head(selection: Selection) -> str:
    choice, data = selection.choice, selection.data
    if choice is None or data is None:
        return "### No model here was evaluated on labelled faces"
    faces = (
        f"{data.n:,} {'synthetic ' if data.synthetic else ''}faces ({Path(data.source).name}, {data.split})"
    )
    return f"### {plain(choice.name)}: {percent(choice.accuracy)} on {plain(faces)}"


def _models(selection: Selection) -> str:
    synthetic = " (synthetic)" if selection.data and selection.data.synthetic else ""
    machine = selection.machine
    estimated = " (estimated)" if machine and machine.origin == ESTIMATED else ""
    on = f" on {machine.target}{estimated}" if machine else ""
    headings = ["model", f"accuracy{synthetic}", "95 %", f"p50 ms{on}", "p99 ms", "KiB", "parameters"]
    return _table(headings, [_model(row, selection) for row in selection.rows])


def _model(row: ModelRow, selection: Selection) -> list[str]:
    chosen = selection.choice is not None and row.name == selection.choice.name
    return [
        f"**{row.name}**" if chosen else row.name,
        percent(row.accuracy),
        interval(row.evaluation.report.interval if row.evaluation else None),
        "–" if row.p50_ms is None else short_ms(row.p50_ms),
        short_ms(row.latency.inference["p99_ms"]) if row.latency and row.latency.origin == MEASURED else "–",
        f"{row.entry.model.size_bytes / 1024:.0f}",
        short_count(row.entry.model.parameters),
    ]


def _quantized(selection: Selection) -> str:
    rows = []
    for row in selection.rows:
        for found in row.entry.comparisons:
            paired = found.paired
            faces = f"{paired.n:,}{' synthetic' if found.data.synthetic else ''}"
            change = change_points(paired.drop_points, paired.drop_interval)
            flips = [str(paired.flips_to_wrong), str(paired.flips_to_right)]
            rows.append([row.name, found.baseline, percent(paired.top1_agreement, 2), change, *flips, faces])
    headings = ["model", "against", "named alike", "change, points (95 %)", "lost", "won", "faces"]
    return _table(headings, rows) if rows else ""


def _data_set(facts: DataFacts) -> str:
    kind = " (synthetic)" if facts.synthetic and "synthetic" not in facts.name else ""
    rows = [
        [split, *(f"{number:,}" for number in numbers.values()), f"{sum(numbers.values()):,}"]
        for split, numbers in facts.counts.items()
    ]
    table = _table([f"faces in {facts.name}{kind}", *facts.classes, "all"], rows)
    return table + "\n\n" + "\n".join(f"- {plain(line)}" for line in facts.findings())


def _changes(compared: Changes) -> str:
    headings = ["since the older report", "accuracy", "change, points (95 %)", "p50 ms", "ratio", "KiB"]
    rows = [change_row(change) for change in compared.models]
    table = [_table(headings, rows)] if rows else []
    return "\n\n".join([*table, *(f"> {plain(remark)}" for remark in compared.remarks)])


def change_row(change: Change) -> list[str]:
    """Return one model's change as words: name, accuracy, its change with interval, latency, ratio, size."""
    synthetic = " (synthetic)" if change.synthetic else ""
    times = [("–" if value is None else short_ms(value)) for value in (change.old_p50_ms, change.new_p50_ms)]
    return [
        change.name,
        f"{percent(change.old_accuracy)} → {percent(change.new_accuracy)}{synthetic}",
        _points(change),
        " → ".join(times),
        "–" if change.p50_ratio is None else f"{change.p50_ratio:.2f}×",
        f"{change.old_size / 1024:.0f} → {change.new_size / 1024:.0f}",
    ]


def _points(change: Change) -> str:
    if change.drop is None:
        return "–"
    return change_points(change.drop, change.drop_interval) if change.drop_interval else signed(-change.drop)
