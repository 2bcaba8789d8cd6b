"""What evaluate and benchmark print: results as tables on a terminal."""

import os
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from device.text import printable
from toolkit.results.metrics import EvaluationReport
from toolkit.results.robustness import Robustness
from toolkit.results.types import MEASURED, Comparison, Evaluation, Latency, ModelResults, Results
from toolkit.results.whole_way import WholeWay
from toolkit.results.words import (
    change_points,
    interval,
    kept_words,
    percent,
    robustness_rows,
    short_count,
    short_ms,
    whole_way_rows,
    whole_way_words,
)

WIDE = 200  # characters a line where no terminal says how many there are
# The columns of the benchmark's tables by importance: where the terminal is narrow, the lowest number goes first.
COSTS = {
    "": 9,
    "KiB": 8,
    "parameters": 4,
    "MACs": 5,
    "import ms": 1,
    "load ms": 3,
    "first ms": 2,
    "peak MB": 6,
}
TIMES = {"ms a call": 9, "mean": 2, "p50": 8, "p90": 1, "p99": 6, "faces/s": 3, "to first": 7, "95 %": 5}


def _text(name: str) -> str:
    """Return a name from a model or a data set as a terminal shows it: no markup, no control character."""
    return escape(printable(name))


def print_evaluation(results: Results, verbose: bool = False, console: Console | None = None) -> None:
    """Print every model's figures, then its classes; verbose adds the confusion matrix."""
    console = console or Console(highlight=False)
    for entry in results.models:
        for evaluation in entry.evaluations:
            _print_one(console, entry, evaluation, verbose)
        for comparison in entry.comparisons:
            console.print(_comparison_line(comparison), soft_wrap=True, markup=False)
            console.print()
        for found in entry.whole_way:
            _print_whole_way(console, entry, found)


def _print_one(console: Console, entry: ModelResults, evaluation: Evaluation, verbose: bool) -> None:
    data, report = evaluation.data, evaluation.report
    kind = "synthetic faces" if data.synthetic else "faces"
    console.print(
        f"[bold]{_text(entry.model.name)}[/bold] on {data.n} {kind}, split '{data.split}' of {_text(data.source)}"
    )
    console.print(
        f"  accuracy           [bold]{percent(report.accuracy)}[/bold]  (95 %: {interval(report.interval)})"
    )
    console.print(
        f"  balanced accuracy  {percent(report.balanced_accuracy)}   macro F1 {report.macro_f1:.3f}"
    )
    console.print(
        f"  calibration error  {percent(report.expected_calibration_error)}   log loss {report.log_loss:.3f}"
    )
    if evaluation.leaked_n:
        without = evaluation.without_leaks
        figure = (
            f"{percent(without.accuracy)} (95 %: {interval(without.interval)})"
            if without
            else "nothing is left"
        )
        console.print(
            f"  [yellow]{evaluation.leaked_n} of these faces also stand in the training split of this data[/yellow]"
        )
        console.print(f"  without them       {figure}")
    elif evaluation.leaked_n == 0:
        console.print("  no face also stands among the training faces")
    if evaluation.note:
        console.print(f"  [yellow]note: {_text(evaluation.note)}[/yellow]", soft_wrap=True)
    console.print(_class_table(report))
    if evaluation.robustness:
        console.print(_robustness_table(evaluation.robustness))
        console.print(f"  {kept_words(evaluation.robustness)}", soft_wrap=True)
    if verbose:
        console.print(_confusion_table(report))


def _comparison_line(comparison: Comparison) -> str:
    """Return the paired comparison as two lines of text."""
    paired = comparison.paired
    synthetic = " (synthetic faces)" if comparison.data.synthetic else ""
    return (
        f"  against {printable(comparison.baseline)}{synthetic}: {percent(paired.top1_agreement, 2)} named alike; "
        f"change {change_points(paired.drop_points, paired.drop_interval)} points, "
        f"McNemar p = {paired.mcnemar_p:.2g}\n"
        f"  flips: {paired.flips_to_wrong} right to wrong, {paired.flips_to_right} wrong to right, "
        f"{paired.flips_wrong_to_wrong} wrong to wrong"
    )


def _figures(first: str, headings: Iterable[str], title: str | None = None) -> Table:
    """Return an empty table: the column ``first``, and one of figures for each of ``headings``."""
    table = Table(box=None, pad_edge=True, header_style="dim", title=title)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _class_table(report: EvaluationReport) -> Table:
    table = _figures("class", ("faces", "recall", "95 %", "precision", "F1"))
    for name, one in report.per_class.items():
        f1 = "–" if one.f1 is None else f"{one.f1:.3f}"
        table.add_row(
            _text(name), str(one.n), percent(one.recall), interval(one.interval), percent(one.precision), f1
        )
    return table


def _robustness_table(robustness: Robustness) -> Table:
    table = _figures("corrupted faces", ("weak", "middle", "strong"))
    for row in robustness_rows(robustness):
        table.add_row(*row)
    return table


def _print_whole_way(console: Console, entry: ModelResults, measured: WholeWay) -> None:
    console.print(
        f"[bold]{_text(entry.model.name)}[/bold] on whole pictures of {_text(measured.source)}",
        soft_wrap=True,
    )
    console.print(f"  {whole_way_words(measured)}", soft_wrap=True)
    table = _figures("", ("faces", "found", "right among found", "right over all"))
    for row in whole_way_rows(measured):
        table.add_row(*row)
    console.print(table)


def _confusion_table(report: EvaluationReport) -> Table:
    table = _figures("", map(_text, report.classes), title="rows: true class, columns: predicted")
    for name, row in zip(report.classes, report.confusion, strict=True):
        table.add_row(_text(name), *(str(count) for count in row))
    return table


def print_benchmark(results: Results, console: Console | None = None) -> None:
    """Print what each model costs, then its latency and the ratio to the first with its interval."""
    console = console or Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE  # a pipe or a file
    found = [(entry, latency) for entry in results.models for latency in entry.latencies]
    measured = [(entry, latency) for entry, latency in found if latency.origin == MEASURED]
    if measured:
        _print_columns(console, COSTS, [_cost_row(*one) for one in measured])
        console.print()
        _print_columns(console, TIMES, [_time_row(*one) for one in measured])
    if any(not latency.extra.get("steady", True) for _, latency in measured):
        console.print(
            "[yellow]  * the machine was not at rest: latency drifted by over 10 % in the run[/yellow]"
        )
    for entry, latency in found:
        if latency.origin != MEASURED:
            _print_estimate(console, entry, latency)


def _print_estimate(console: Console, entry: ModelResults, latency: Latency) -> None:
    for stage, stats in latency.stages.items():
        between = " to ".join(map(short_ms, latency.bounds_ms(stage)))
        ms = short_ms(stats["p50_ms"])
        console.print(
            f"{_text(entry.model.name)} on {_text(latency.target)}, {stage}: {ms} ms estimated ({between})"
        )
    console.print(f"  {latency.extra['how']}", style="dim", soft_wrap=True)


def _print_columns(console: Console, columns: dict[str, int], rows: list[list[str]]) -> None:
    """Print a table with the first column whole; of the others the least important go where the terminal is narrow.

    columns: heading to importance, the least first to go.
    """
    kept = list(columns)
    table = _table(columns, kept, rows)
    while len(kept) > 2 and console.width < _natural_width(console, table):
        kept.remove(min(kept[1:], key=lambda heading: columns[heading]))
        table = _table(columns, kept, rows)
    console.width = max(console.width, _natural_width(console, table))
    console.print(table)
    if missing := [heading for heading in columns if heading not in kept]:
        console.print(f"  (no room for {', '.join(missing)}; the JSON has all)", style="dim", soft_wrap=True)


def _table(columns: dict[str, int], kept: list[str], rows: list[list[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in kept:
        table.add_column(heading, justify="left" if heading == kept[0] else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(cell for heading, cell in zip(columns, row, strict=True) if heading in kept))
    return table


def _natural_width(console: Console, table: Table) -> int:
    """Return the columns of a terminal that ``table`` needs."""
    return console.measure(table, options=console.options.update(width=10_000)).maximum


def _cost_row(entry: ModelResults, latency: Latency) -> list[str]:
    model, extra = entry.model, latency.extra
    counts = [f"{model.size_bytes / 1024:.0f}", short_count(model.parameters), short_count(model.macs)]
    starts = [
        f"{extra.get(key, 0):.0f}" for key in ("import_ms", "load_ms", "first_inference_ms", "peak_memory_mb")
    ]
    return [_text(model.name), *counts, *starts]


def _time_row(entry: ModelResults, latency: Latency) -> list[str]:
    extra, stats = latency.extra, latency.inference
    ratio = extra["ratio"]
    mark = "" if extra.get("steady", True) else " *"
    times = [short_ms(stats[key]) for key in ("mean_ms", "p50_ms", "p90_ms", "p99_ms")]
    spread = [f"{ratio['ratio']:.3g}x", f"{ratio['low']:.3g}–{ratio['high']:.3g}"]
    return [_text(entry.model.name) + mark, *times, f"{extra['throughput_per_s']:.0f}", *spread]
