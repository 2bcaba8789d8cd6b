"""Evaluation results as a table on a terminal."""

from rich.console import Console
from rich.table import Table

from toolkit.evaluation.metrics import EvaluationReport
from toolkit.evaluation.results import Comparison, Evaluation, ModelResults, Results


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a ratio as '66.3 %', or a dash where it is not defined."""
    return "–" if ratio is None else f"{100 * ratio:.{digits}f} %"


def interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval of ratios as '64.7–67.8 %', or a dash."""
    return "–" if bounds is None else f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f} %"


def print_evaluation(results: Results, verbose: bool = False, console: Console | None = None) -> None:
    """Print every model's figures, then its classes; verbose adds the confusion matrix."""
    console = console or Console(highlight=False)
    for entry in results.models:
        for evaluation in entry.evaluations:
            _print_one(console, entry, evaluation, verbose)
        for comparison in entry.comparisons:
            console.print(comparison_line(comparison))
            console.print()


def _print_one(console: Console, entry: ModelResults, evaluation: Evaluation, verbose: bool) -> None:
    data, report = evaluation.data, evaluation.report
    kind = "synthetic faces" if data.synthetic else "faces"
    console.print(
        f"[bold]{entry.model.name}[/bold] on {data.n} {kind}, split '{data.split}' of {data.source}"
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
            f"  [yellow]{evaluation.leaked_n} of these faces also stand in the training split[/yellow]"
        )
        console.print(f"  without them       {figure}")
    elif evaluation.leaked_n == 0:
        console.print("  no face also stands in the training split")
    console.print(_class_table(report))
    if verbose:
        console.print(_confusion_table(report))


def _class_table(report: EvaluationReport) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("class")
    for heading in ("faces", "recall", "95 %", "precision", "F1"):
        table.add_column(heading, justify="right")
    for name, one in report.per_class.items():
        f1 = "–" if one.f1 is None else f"{one.f1:.3f}"
        table.add_row(
            name, str(one.n), percent(one.recall), interval(one.interval), percent(one.precision), f1
        )
    return table


def _confusion_table(report: EvaluationReport) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim", title="rows: true class, columns: predicted")
    table.add_column("")
    for name in report.classes:
        table.add_column(name, justify="right")
    for name, row in zip(report.classes, report.confusion, strict=True):
        table.add_row(name, *(str(count) for count in row))
    return table


def comparison_line(comparison: Comparison) -> str:
    """Return the paired comparison as two lines of text."""
    paired = comparison.paired
    low, high = paired.drop_interval
    synthetic = " (synthetic faces)" if comparison.data.synthetic else ""
    return (
        f"  against {comparison.baseline}{synthetic}: {percent(paired.top1_agreement, 2)} named alike; "
        f"drop {paired.drop_points:+.2f} points "
        f"(95 %: {low:+.2f} to {high:+.2f}), McNemar p = {paired.mcnemar_p:.2g}\n"
        f"  flips: {paired.flips_to_wrong} right to wrong, {paired.flips_to_right} wrong to right, "
        f"{paired.flips_wrong_to_wrong} wrong to wrong"
    )
