"""The charts of the report; each returns one inline SVG with its text alternative."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter
from matplotlib.transforms import Bbox

from toolkit.charts.svg import (
    FLOAT,
    INK,
    KERAS,
    LOSS,
    MUTED,
    PAPER,
    QUANTIZED,
    drawing,
    label,
    new_figure,
    to_svg,
)  # fmt: skip
from toolkit.results.metrics import EvaluationReport
from toolkit.results.selection import ModelRow, Selection
from toolkit.results.types import MEASURED
from toolkit.results.words import percent, short_ms

COLOURS = {"keras": KERAS, "float": FLOAT, "quantized": QUANTIZED}
MARKERS = {"keras": "D", "float": "s", "quantized": "o"}
LINES = ("-", (0, (1, 1)), "-.", (0, (6, 1)))
KIND_NAMES = {"keras": "Keras", "float": "float TFLite", "quantized": "quantized TFLite"}
WIDTH = 5.4
SHORTEST_MS = 1e-4
MOST_STAGES = 40
POINTS_PER_INCH = 72
LABEL_GAP = 3  # pixels


def _log_ms(axes: Axes, values: Sequence[float]) -> None:
    """Give the x axis milliseconds, logarithmic, with ticks at 1, 2, 5 where there is room."""
    low, high = (max(value, SHORTEST_MS) for value in (min(values), max(values)))
    axes.set_xscale("log")
    axes.set_xlim(low / 1.5, high * 1.6)
    steps = (1, 2, 5) if high / low < 60 else (1,)
    ticks = [step * 10.0**power for power in range(-4, 6) for step in steps]
    axes.set_xticks([tick for tick in ticks if low / 1.5 <= tick <= high * 1.6])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


def accuracy_against_latency(selection: Selection) -> str | None:
    """Return the scatter of accuracy against latency with its Pareto front; None without a point."""
    rows = [row for row in selection.rows if row.accuracy is not None and row.p50_ms is not None]
    machine = selection.machine
    if not rows or machine is None:
        return None
    with drawing():
        figure = new_figure(WIDTH, 3.5 if len(rows) < 7 else 4.6)
        axes = figure.subplots()
        axes.grid(axis="y")
        for row in rows:
            _point(axes, row)
        front = sorted((row.p50_ms, 100 * (row.accuracy or 0)) for row in rows if row.name in selection.front)
        _log_ms(axes, [row.p50_ms or 0 for row in rows])
        if len(front) > 1:
            xs, ys = zip(*front, strict=True)
            axes.step(
                [*xs, axes.get_xlim()[1]],
                [*ys, ys[-1]],
                where="post",
                color=MUTED,
                lw=1,
                ls=(0, (4, 3)),
                zorder=1,
            )
        origin = "" if machine.origin == MEASURED else f", {machine.origin}"
        axes.set_xlabel(f"latency of one face, p50, ms ({label(machine.target)}{origin})")
        axes.set_ylabel(
            "accuracy, %" + (" (synthetic faces)" if selection.data and selection.data.synthetic else "")
        )
        _kind_legend(axes, rows)
        figure.draw_without_rendering()  # which gives the axes their final place, and names their size
        _label_points(axes, rows)
        words = "; ".join(
            f"{row.name}: {percent(row.accuracy)} at {short_ms(row.p50_ms or 0)} ms" for row in rows
        )
        return to_svg(
            figure,
            "pareto",
            "Accuracy against latency",
            f"{words}. Pareto front: {', '.join(selection.front)}.",
        )


def _point(axes: Axes, row: ModelRow) -> None:
    assert row.evaluation is not None
    colour, (low, high) = COLOURS[row.kind], row.evaluation.report.interval
    axes.plot([row.p50_ms or 0] * 2, [100 * low, 100 * high], color=colour, lw=1.4, alpha=0.55, zorder=2)
    axes.plot(
        [row.p50_ms or 0],
        [100 * (row.accuracy or 0)],
        MARKERS[row.kind],
        color=colour,
        ms=8,
        mec=PAPER,
        mew=1.2,
        zorder=3,
    )


def _label_points(axes: Axes, rows: list[ModelRow]) -> None:
    """Write each model's name beside its point, moved down where names would meet."""
    low, high = axes.get_xlim()
    centre = (low * high) ** 0.5
    taken: list[Bbox] = []
    for row in sorted(rows, key=lambda row: -(row.accuracy or 0)):
        on_right = (row.p50_ms or 0) < centre
        x, y = (8 if on_right else -8), 6  # above the point, clear of the line of the front
        name = axes.annotate(
            label(row.short_name), (row.p50_ms or 0, 100 * (row.accuracy or 0)), xytext=(x, y),
            textcoords="offset points", fontsize=9, color=INK, ha="left" if on_right else "right", va="center",
        )  # fmt: skip
        place = first = name.get_window_extent()
        while hit := next((other for other in taken if place.overlaps(other)), None):
            place = place.translated(0, hit.y0 - place.y1 - LABEL_GAP)
        name.set_position((x, y + (place.y0 - first.y0) * POINTS_PER_INCH / name.figure.dpi))
        taken.append(place)


def _kind_legend(axes: Axes, rows: list[ModelRow]) -> None:
    kinds = [kind for kind in MARKERS if any(row.kind == kind for row in rows)]
    if len(kinds) < 2:
        return
    handles = [
        axes.plot([], [], MARKERS[kind], color=COLOURS[kind], ms=7, label=KIND_NAMES[kind])[0]
        for kind in kinds
    ]
    axes.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(kinds), fontsize=9, labelcolor=MUTED,
        handletextpad=0.2, columnspacing=1.4,
    )  # fmt: skip


def reliability(reports: list[tuple[str, str, EvaluationReport]], name: str) -> str:
    """Return the reliability diagram of (model name, kind, report) each; the diagonal is perfect calibration."""
    with drawing():
        figure = new_figure(WIDTH, 3.4)
        axes = figure.subplots()
        axes.grid(True)
        axes.plot([0, 100], [0, 100], color=MUTED, lw=1, ls=(0, (4, 3)))
        kinds = [kind for _, kind, _ in reports]
        for index, (name_of, kind, report) in enumerate(reports):
            bins = [found for found in report.calibration if found.n]
            line = LINES[kinds[:index].count(kind) % len(LINES)]  # models of a kind share colour and mark
            xs, ys = (
                [100 * (found.confidence or 0) for found in bins],
                [100 * (found.accuracy or 0) for found in bins],
            )
            axes.plot(xs, ys, color=COLOURS[kind], lw=1.5, ls=line, alpha=0.8, label=label(name_of))
            sizes = [10 + 160 * found.n / report.n for found in bins]
            axes.scatter(
                xs,
                ys,
                sizes,
                color=COLOURS[kind],
                marker=MARKERS[kind],
                ec=PAPER,
                lw=0.8,
                zorder=3,
            )
        axes.set(
            xlim=(0, 101),
            ylim=(0, 101),
            xlabel="the model's confidence, %",
            ylabel="how often it is right, %",
        )
        axes.legend(loc="upper left", fontsize=9, labelcolor=INK, handlelength=3)
        words = "; ".join(
            f"{name_of}: expected calibration error {percent(report.expected_calibration_error)}, mean confidence "
            f"{percent(report.mean_confidence)} at accuracy {percent(report.accuracy)}"
            for name_of, _, report in reports
        )
        return to_svg(figure, name, "Reliability diagram", words)


def latency_distributions(rows: list[ModelRow]) -> str | None:
    """Return a strip a model: p1 to p99 thin, quarter to three quarters thick, the median marked."""
    drawn = [row for row in rows if row.latency and row.latency.extra.get("quantiles_ms")]
    if not drawn:
        return None
    with drawing():
        figure = new_figure(WIDTH, 0.9 + 0.42 * len(drawn))
        axes = figure.subplots()
        axes.grid(axis="x")
        values = []
        for place, row in enumerate(drawn):
            q = row.latency.extra["quantiles_ms"]  # type: ignore[union-attr]
            colour = COLOURS[row.kind]
            axes.plot([q[1], q[99]], [place, place], color=colour, lw=1.6, alpha=0.6)
            axes.plot([q[25], q[75]], [place, place], color=colour, lw=8, alpha=0.75, solid_capstyle="butt")
            axes.plot([q[50]], [place], "|", color=INK, ms=14, mew=2)
            values += [q[1], q[99]]
        _log_ms(axes, values)
        axes.set_yticks(range(len(drawn)), [label(row.short_name) for row in drawn], color=INK)
        axes.set(
            ylim=(len(drawn) - 0.5, -0.5), xlabel="latency of one face, ms: median, middle half, p1 to p99"
        )
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        words = "; ".join(f"{row.name}: p50 {short_ms(row.p50_ms or 0)} ms" for row in drawn)
        return to_svg(figure, "latencies", "Distribution of latencies", words)


def size_and_memory(rows: list[ModelRow]) -> str:
    """Return bars of the file size, and of the peak memory where it was measured."""
    memory = [row.latency.extra.get("peak_memory_mb") if row.latency else None for row in rows]
    panels: list[tuple[str, list[Any]]] = [("file, KiB", [row.entry.model.size_bytes / 1024 for row in rows])]
    if any(memory):
        panels.append(("peak memory, MB", memory))
    with drawing():
        figure = new_figure(WIDTH, 0.7 + 0.42 * len(rows))
        for index, axes in enumerate(figure.subplots(1, len(panels), squeeze=False)[0]):
            title, values = panels[index]
            for place, (row, value) in enumerate(zip(rows, values, strict=True)):
                axes.barh(place, value or 0, color=COLOURS[row.kind], height=0.62)
                axes.text(value or 0, place, f" {value:.0f}" if value else " –", va="center", fontsize=9)
            axes.set(
                ylim=(len(rows) - 0.5, -0.5),
                xlim=(0, 1.25 * max(value or 0 for value in values)),
                xlabel=title,
            )
            axes.set_yticks(
                range(len(rows)), [label(row.short_name) for row in rows] if index == 0 else [], color=INK
            )
            axes.set_xticks([])
            axes.tick_params(length=0)
            axes.spines["bottom"].set_visible(False)
        words = "; ".join(
            f"{row.name}: {row.entry.model.size_bytes / 1024:.0f} KiB" + (f", {peak:.0f} MB" if peak else "")
            for row, peak in zip(rows, memory, strict=True)
        )
        return to_svg(figure, "sizes", "Size and memory", words)


def stage_latencies(stages: dict[str, dict[str, Any]], name: str) -> str:
    """Return a row a stage of the frame loop: bar to p50, line to p90, tick at p99."""
    names = list(stages)[:MOST_STAGES]
    with drawing():
        figure = new_figure(WIDTH, 0.8 + 0.36 * len(names))
        axes = figure.subplots()
        axes.grid(axis="x")
        for place, stage in enumerate(names):
            stats = stages[stage]
            axes.barh(place, stats["p50_ms"], color=QUANTIZED, height=0.56)
            axes.plot([stats["p50_ms"], stats["p90_ms"]], [place, place], color=INK, lw=1.4)
            axes.plot([stats["p99_ms"]], [place], "|", color=LOSS, ms=11, mew=2)
        axes.set_yticks(range(len(names)), [label(one) for one in names], color=INK)
        axes.set(
            ylim=(len(names) - 0.5, -0.5), xlim=(0, None), xlabel="ms a frame: bar p50, line to p90, mark p99"
        )
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        words = "; ".join(
            f"{stage}: p50 {short_ms(one['p50_ms'])}, p99 {short_ms(one['p99_ms'])} ms"
            for stage, one in stages.items()
        )
        return to_svg(figure, name, "Latency of each stage", words)
