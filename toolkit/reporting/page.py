"""From results to the page: the verdict first, then its sections."""

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from toolkit.charts import charts
from toolkit.charts.pages import render_page
from toolkit.reporting import class_section, sections
from toolkit.reporting.change import Changes
from toolkit.reporting.data_sections import data_sections
from toolkit.reporting.markdown import change_row
from toolkit.results.data_facts import DataFacts
from toolkit.results.device_json import Run
from toolkit.results.facts import Source
from toolkit.results.selection import ModelRow, Selection
from toolkit.results.types import CLASSIFY, ESTIMATED, HOST, SCHEMA_VERSION
from toolkit.results.words import (
    interval,
    percent,
    short_count,
    short_ms,
    short_text,
    signed,
    whole_way_rows,
    whole_way_words,
)

if TYPE_CHECKING:
    from toolkit.reporting.face_pictures import FacePictures

TITLE = "Facial expressions on the device: accuracy against latency"


def report_page(
    selection: Selection,
    sources: Sequence[Source],
    runs: tuple[Run, ...],
    data_sets: tuple[DataFacts, ...],
    json_name: str,
    compared: Changes | None = None,
    faces: "FacePictures | None" = None,
) -> str:
    """Return the report as one HTML document that loads nothing from elsewhere; ``sources``: what measured, where."""
    return render_page(
        "toolkit.reporting",
        "page.html",
        **page_context(selection, sources, runs),
        data_sets=data_sections(data_sets, selection),
        json_name=json_name,
        flips=faces.flips if faces else (),
        mistakes=faces.mistakes if faces else (),
        changes=[change_row(change) for change in compared.models] if compared else [],
        change_notes=compared.remarks if compared else [],
    )


def page_context(selection: Selection, sources: Sequence[Source], runs: tuple[Run, ...]) -> dict[str, Any]:
    """Return everything that the template shows."""
    rows = list(selection.rows)
    reports = [
        (row.short_name, row.kind, row.evaluation.report)
        for row in _calibration_rows(selection)
        if row.evaluation
    ]
    return {
        "title": TITLE,
        "selection": selection,
        "version": metadata.version("fer-edge"),
        "schema_version": SCHEMA_VERSION,
        "sources": [source for source in sources if source.get("versions")],
        "data": sections.data_lines(selection),
        "charts": {
            "pareto": charts.accuracy_against_latency(selection),
            "reliability": charts.reliability(reports, "reliability") if reports else None,
            "latencies": charts.latency_distributions(rows),
            "sizes": charts.size_and_memory(rows),
        },
        **_verdict(selection),
        "comparisons": sections.comparisons(selection),
        **sections.confusions(selection),
        "doubts": class_section.doubts(selection),
        "measured": _measured(selection),
        **class_section.classes(selection),
        **sections.latency(selection, runs),
        "robustness": sections.robustness(selection),
        "whole_way": _whole_way(selection),
        "training": sections.training(selection),
        "memory": any(row.latency and row.latency.extra.get("peak_memory_mb") for row in rows),
        "origins": sections.origins(selection),
        "class_counts": sections.class_counts(selection),
        "layers": sections.layer_errors(selection),
    }  # fmt: skip


def _whole_way(selection: Selection) -> list[dict[str, Any]]:
    """Return what each model found and named right in whole pictures: a sentence and a table each."""
    return [
        {
            "name": row.name,
            "words": f"{Path(found.source).name}: {whole_way_words(found)}.",
            "rows": whole_way_rows(found),
        }
        for row in selection.rows
        for found in row.entry.whole_way
    ]


def _measured(selection: Selection) -> str:
    """Return when and where the choice was measured, as far as its figures tell."""
    choice, parts = selection.choice, []
    if choice and choice.evaluation and choice.evaluation.measured_at:
        parts.append(f"accuracy measured {choice.evaluation.measured_at[:10]}")
    if choice and choice.latency and choice.latency.measured_at:
        how = "estimated" if choice.latency.origin == ESTIMATED else "measured"
        parts.append(f"latency {how} {choice.latency.measured_at[:10]} on {choice.latency.machine.words}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""


def _calibration_rows(selection: Selection) -> list[ModelRow]:
    """Return all rows where they are few, else the choice and the model it was compared with."""
    choice = selection.choice
    if len(selection.rows) <= 4 or choice is None:
        return list(selection.rows)
    return [row for row in selection.rows if row in (choice, selection.baseline)]


def _verdict(selection: Selection) -> dict[str, Any]:
    choice = selection.choice
    if choice is None or choice.evaluation is None:
        return {"choice": None}
    report, data = choice.evaluation.report, choice.evaluation.data
    kind = "synthetic faces" if data.synthetic else "faces"
    speed = ""
    if choice.p50_ms is not None:
        machine = selection.machine
        estimated = " (estimated)" if machine and machine.origin == ESTIMATED else ""
        where = f" on {machine.target}" if machine and machine.target != HOST else ""
        speed = f" each in {short_ms(choice.p50_ms)} ms{estimated}{where},"
    size = f"{choice.entry.model.size_bytes / 1024:.0f} KiB"
    sentence = f"names {percent(report.accuracy)} of {report.n:,} {kind} right,{speed} from {size}."
    for unit in (" %", " ms", " KiB"):
        sentence = sentence.replace(unit, "\u00a0" + unit[1:])
    weak = report.accuracy < class_section.POOR or bool(class_section.hardly_found(report))
    verdict = Markup("<code>{}</code> {}{}").format(
        choice.name, "is not fit for use: it " if weak else "", sentence
    )
    return {"choice": choice, "verdict": verdict, "cards": list(_cards(choice))}


def _cards(choice: ModelRow) -> Iterator[tuple[str, str, str]]:
    """Yield the figures below the verdict: what each is, its value, and a note."""
    assert choice.evaluation is not None
    report, latency, model = choice.evaluation.report, choice.latency, choice.entry.model
    synthetic = choice.evaluation.data.synthetic
    label = "accuracy, synthetic faces" if synthetic else "accuracy"
    yield label, percent(report.accuracy), f"95 %: {interval(report.interval)}"
    if choice.comparison:
        paired = choice.comparison.paired
        low, high = paired.drop_interval
        label = f"against {short_text(choice.comparison.baseline)}" + (", synthetic" if synthetic else "")
        yield label, f"{signed(-paired.drop_points)} points", f"95 %: {signed(-high)} to {signed(-low)}"
    if latency and choice.p50_ms is not None:
        origin = (
            "estimated" if latency.origin == ESTIMATED else f"p99 {short_ms(latency.inference['p99_ms'])} ms"
        )
        yield "one face, p50", f"{short_ms(choice.p50_ms)} ms", f"{origin}, {latency.target}"
    counts = f"{short_count(model.parameters)} parameters, {short_count(model.macs)} MACs"
    yield "model file", f"{model.size_bytes / 1024:.0f} KiB", counts if model.parameters else ""
    if latency and (peak := latency.extra.get("peak_memory_mb")):
        yield "peak memory", f"{peak:.0f} MB", "the whole process"
    for other in choice.entry.latencies:
        if other.origin == ESTIMATED and other is not latency:
            bounds = " to ".join(map(short_ms, other.bounds_ms(CLASSIFY)))
            value = f"≈ {short_ms(other.inference['p50_ms'])} ms"
            yield f"one face, {other.extra['board']}", value, f"estimated, {bounds} ms"
