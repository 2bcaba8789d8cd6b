"""The report's sections below the verdict: their charts, tables and words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit.charts import charts, matrices, network_charts
from toolkit.results.device_json import Run
from toolkit.results.selection import ModelRow, Selection
from toolkit.results.types import ESTIMATED, Evaluation, Latency
from toolkit.results.words import kept_words, percent, robustness_rows, short_ms

MOST_CONFUSIONS = 6  # more stand in the JSON
MOST_CLASSES_DRAWN = 40


def _choice_first(selection: Selection) -> list[ModelRow]:
    return sorted(selection.rows, key=lambda row: row is not selection.choice)


def comparisons(selection: Selection) -> list[dict[str, Any]]:
    """Return the paired comparisons, those of the choice first."""
    return [
        {"name": row.name, "comparison": found}
        for row in _choice_first(selection)
        for found in row.entry.comparisons
    ]


def confusions(selection: Selection) -> dict[str, Any]:
    """Return confusion matrices: of the choice with what it changed, of every other model alone, to be folded."""
    in_order = [row for row in _choice_first(selection) if row.entry.evaluations]
    drawable = [row for row in in_order if _few_classes(row.entry.evaluations[0])]
    groups: list[list[dict[str, Any]]] = []
    for index, row in enumerate(drawable[:MOST_CONFUSIONS]):
        evaluation = row.entry.evaluations[0]
        group = [_confusion(f"conf{index}", row.name, evaluation)]
        for comparison in row.entry.comparisons[:1]:
            held_against, faces = selection.row_of(comparison.baseline_sha256), comparison.data.fingerprint
            base = held_against.entry.evaluation_on(faces) if held_against else None
            if base is not None and faces == evaluation.data.fingerprint:
                title, report = f"What changed from {comparison.baseline} to {row.name}", evaluation.report
                svg = matrices.confusion_difference(base.report, report, f"conf{index}d", title)
                group.append({"caption": title, "note": "faces; blue is better", "svg": svg})
        groups.append(group)
    return {"confusions": groups[:1], "more_confusions": groups[1:]}


def _confusion(key: str, name: str, evaluation: Evaluation) -> dict[str, Any]:
    svg = matrices.confusion(evaluation.report, key, f"Confusion matrix of {name}")
    note = "percent of each true class" + (", synthetic faces" if evaluation.data.synthetic else "")
    return {"caption": name, "note": note, "svg": svg}


def _few_classes(evaluation: Evaluation) -> bool:
    return len(evaluation.report.classes) <= MOST_CLASSES_DRAWN


def latency(selection: Selection, runs: tuple[Run, ...]) -> dict[str, Any]:
    """Return the latency table, how estimates were made, and the runs of the frame loop."""
    measured = [(row.name, latency) for row in selection.rows for latency in row.entry.latencies]
    note = (
        "Warm-up is left out. Models are timed in turn, A B A B, through the code that the device runs, "
        "so that a busy moment hits all of them alike."
    )
    return {
        "boards": [line for name, latency in measured for line in _stage_lines(name, latency)],
        "estimates": [
            f"{name} on {latency.target}: {latency.extra['how']}"
            for name, latency in measured
            if latency.extra.get("how")
        ],
        "runs": _run_lines(runs),
        "ratio_name": next(
            (row.latency.extra.get("ratio_to") for row in selection.rows if row.latency), None
        ),
        "latency_note": note,
    }


def _stage_lines(name: str, latency: Latency) -> Iterator[dict[str, Any]]:
    """Yield a line for each stage of the model ``name`` that was timed, or estimated within a band."""
    rate = latency.extra.get("throughput_per_s")
    for stage, stats in latency.stages.items():
        band = ""
        if latency.origin == ESTIMATED:
            band = " to ".join(map(short_ms, latency.bounds_ms(stage)))
        yield {
            "name": name,
            "latency": latency,
            "stage": stage,
            "stats": stats,
            "rate": f"{rate:,.0f}" if rate else "–",
            "band": band,
        }


def _run_lines(runs: tuple[Run, ...]) -> list[dict[str, Any]]:
    """Return what each run of the device did, and the chart of its stages; runs of one name are numbered."""
    lines, names = [], [run.name for run in runs]
    for index, run in enumerate(runs):
        facts = run.facts
        words = f"{facts.get('frames', '?')} frames, {facts.get('faces', '?')} faces"
        if facts.get("frames") and facts.get("seconds"):
            words += f", {facts['frames'] / facts['seconds']:.1f} frames a second"
        svg = charts.stage_latencies(run.latency.stages, f"run{index}") if run.latency.stages else None
        title = run.name if names.count(run.name) == 1 else f"{run.name}, run {index + 1} of {len(runs)}"
        lines.append({"title": title, "words": words, "svg": svg, "stages": run.latency.stages})
    return lines


def data_lines(selection: Selection) -> list[dict[str, Any]]:
    """Return a line for each data set: its faces, when each model was measured on it, and what leaks did to it."""
    lines: dict[str, dict[str, Any]] = {}
    for row in selection.rows:
        for found in row.entry.evaluations:
            new: dict[str, Any] = {"data": found.data, "leaked": {}, "without": [], "dates": set()}
            line = lines.setdefault(found.data.fingerprint, new)
            line["dates"] |= {found.measured_at[:10]} - {""}
            line["leaked"][row.name] = "not known" if found.leaked_n is None else f"{found.leaked_n:,}"
            if found.without_leaks:
                left_out = f"{percent(found.without_leaks.accuracy)} (without {line['leaked'][row.name]})"
                line["without"].append(f"{row.name} {left_out}")
    return [
        {
            **line,
            "leaked": _alike_or_each(line["leaked"]),
            "dates": ", ".join(sorted(line["dates"])) or "–",
        }
        for line in lines.values()
    ]


def _alike_or_each(words: dict[str, str]) -> str:
    """Return the word that all names have, else each with its name."""
    alike = set(words.values())
    return alike.pop() if len(alike) == 1 else ", ".join(f"{word} ({name})" for name, word in words.items())


def origins(selection: Selection) -> list[str]:
    """Return how each model came about, a line each."""
    lines = []
    for row in selection.rows:
        words = _training_words(row.entry.training or {}) + _quantization_words(row.entry.quantization or {})
        if words:
            lines.append(f"{row.name}: {'; '.join(words)}.")
    return lines


def _training_words(training: dict[str, Any]) -> list[str]:
    recipe, words = training.get("recipe") or {}, []
    if recipe.get("arch"):
        words.append(
            f"architecture {recipe['arch']}, epoch {training.get('epoch', '?')} of {recipe.get('epochs', '?')}"
        )
    if training.get("train_faces"):
        digest = str(training.get("train_sha256", ""))[:10]
        labels = " under FER+ majority labels" if recipe.get("label_source") == "ferplus" else ""
        words.append(f"trained on {training['train_faces']:,} faces{labels} (SHA-256 {digest})")
    if training.get("leaks_removed") is not None:
        words.append(
            f"{training['leaks_removed']:,} of them that also stand in held-out splits were removed before"
        )
    return words


def _quantization_words(quantization: dict[str, Any]) -> list[str]:
    words, faces = [], quantization.get("representative")
    if quantization.get("recipe"):
        words.append(f"recipe {quantization['recipe']}")
    if quantization.get("kept_float"):
        words.append(f"in float: {', '.join(quantization['kept_float'])}")
    if faces:
        source = Path(faces["source"]).name
        words.append(f"ranges from {faces['count']} faces of {source} (SHA-256 {faces['sha256'][:10]})")
    return words


def class_counts(selection: Selection) -> list[str]:
    """Return the number of faces of each class, a line a data set."""
    lines = {}
    for row in selection.rows:
        for found in row.entry.evaluations:
            counts = ", ".join(f"{name} {one.n:,}" for name, one in found.report.per_class.items())
            kind = " (synthetic)" if found.data.synthetic else ""
            lines[found.data.fingerprint] = (
                f"{Path(found.data.source).name}, {found.data.split}{kind}: {counts}."
            )
    return list(lines.values())


def robustness(selection: Selection) -> list[dict[str, Any]]:
    """Return the accuracy on corrupted faces of the models that were measured on them: a table and a sentence each."""
    measured = [(row.name, row.evaluation.robustness) for row in selection.rows if row.evaluation]
    return [
        {"name": name, "rows": robustness_rows(found), "words": kept_words(found)}
        for name, found in measured
        if found
    ]


def layer_errors(selection: Selection) -> list[dict[str, Any]]:
    """Return a chart of the error of each layer for the first models whose quantization measured it."""
    found: list[dict[str, Any]] = []
    for index, row in enumerate(selection.rows):
        if len(found) == MOST_CONFUSIONS:
            break
        layers = (row.entry.quantization or {}).get("layers")
        if layers:
            svg = network_charts.layer_errors(layers, f"layers{index}")
            note = "mean change of the probabilities when this layer alone is int8; beside it its own signal to noise"
            found.append({"caption": row.name, "note": note, "svg": svg})
    return found


def training(selection: Selection) -> list[dict[str, Any]]:
    """Return the learning curves of models that carry a history."""
    found = []
    for index, row in enumerate(selection.rows):
        history = (row.entry.training or {}).get("history") or {}
        svg = network_charts.learning_curves(history, f"learn{index}")
        if svg:
            found.append({"caption": row.name, "note": "accuracy over epochs", "svg": svg})
    return found
