"""Write the figures of the documents from the committed results: models/README.md, tables in README.md and RESULTS.md.

    python docs/make_figures.py            writes them
    python docs/make_figures.py --check    exits 1 if one of them is not what would be written

The results are models/evaluation*.json and models/benchmark*.json, made by `make models`.
"""

import re
import sys
from pathlib import Path

from benchmarks import published_times
from device.model.expression_model import load_model
from toolkit.emulation.boards import BOARDS
from toolkit.emulation.counts import known_count
from toolkit.emulation.estimate import FOLLOWED, SEARCHED, estimate_latency
from toolkit.results.codec import read_results
from toolkit.results.compare import PairedComparison
from toolkit.results.merge import join_results
from toolkit.results.types import ModelResults

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "RESULTS.md"
BLOCK = re.compile(r"(<!-- figures:begin -->\n).*?(<!-- figures:end -->)", flags=re.DOTALL)
CALIBRATION = re.compile(r"(<!-- calibration:begin -->\n).*?(<!-- calibration:end -->)", flags=re.DOTALL)
NAMES = {
    "best_float32.tflite": "seven classes, best, float32",
    "best_int8.tflite": "seven classes, best, int8",
    "compact_float32.tflite": "seven classes, compact, float32",
    "fer7_int8.tflite": "seven classes, compact, int8",
    "small_float32.tflite": "seven classes, small, float32",
    "small_int8.tflite": "seven classes, small, int8",
    "best4_float32.tflite": "four classes, float32",
    "best4_int8.tflite": "four classes, int8",
}

STAGES = {
    "classify": "a face, the network alone",
    FOLLOWED: "a frame of 640x480, its two faces followed",
    SEARCHED: "a frame that is searched as a whole (at most every fifth frame while nothing moves)",
}

CARD = """# Models that ship

Written by `make docs` from the results beside it; do not edit.

| file | what it is |
|---|---|
| `best.keras`, `best_int8.tflite` | seven classes, the most accurate: float32, and full integer int8 |
| `compact.keras`, `compact_int8.tflite` | seven classes in a fifth to a third of the time; the int8 file is a link to \
`device/data/fer7_int8.tflite`, which the wheel carries |
| `small.keras`, `small_int8.tflite` | seven classes in six to eight tenths of that |
| `best4.keras`, `best4_int8.tflite` | four classes: happy, sad, surprise, neutral |
| `teacher.keras` | seven classes, to learn from (`toolkit train --teacher`) or to go on from: `best` on a larger \
picture, in float16 |
| `synthetic_faces.png` | 448 labelled faces of no real person: [their card](synthetic/README.md) |
| `SHA256SUMS` | digests of the models |

{table}

Median times on an AMD EPYC with AVX-512 VNNI; without VNNI int8 is hardly faster than
float ([FAQ](../docs/FAQ.md)).

Faces: FER2013 PublicTest, as Kaggle's file orders them. Every epoch was chosen on held-out Training faces alone.
{leaks}
They were removed before training, so no test face was trained on. Intervals are Wilson's at 95 %. How the models were
made, what each step gave and how often PublicTest was looked at: [docs/TRAINING.md](../docs/TRAINING.md).

## By class

{classes}

{classes4}

## FER+ majority label

A network of the compact architecture trained on the majority of the ten FER+ taggers, eight classes, and measured on
theirs: {ferplus} (n = {ferplus_n:,}). The FER+ paper's VGG13 stands at 85.0 % by its own selection of faces (Barsoum et
al., ICMI 2016). Ours does not ship; `make models` makes it.

## Reproduce

`make models DATA=fer2013.csv` (with `fer2013new.csv`, the FER+ votes, beside it) trains the teachers, then the models,
by the recipes in `recipes/`; quantizes, evaluates and writes this card. FER2013 has no open licence and is not part of
this repository.

`best` and `best4` come from weights that had learnt to recognise the people of VGGFace2, photographs of public figures
from the web (arXiv 1710.08092); `compact` and `small` learnt from teachers with such weights. FER2013 and VGGFace2 were
gathered for research: see their terms before any commercial use. All of them also learnt from 4,898 faces of
press photographs, of an Apache-2.0 repository
([more](../docs/TRAINING.md#a-second-domain-press-photographs)); `make models` leaves that out where `data/press` is not
there.

## Intended use and limits

A guess at what a face shows, for interfaces, art, toys and research on one's own pictures. It is not a reading of what
somebody feels. Trained on web pictures with noisy labels: the classes with the lowest recall in the table are named
wrongly far more often than the overall figure hints at, 'disgust' had 436 faces to learn from, and neither age, skin
colour nor head pose were balanced. Do not use it to judge people. The EU AI Act, article 5(1)(f), prohibits inferring
emotions at work and in schools, medical and safety reasons excepted.
"""


def table(models: list[ModelResults]) -> str:
    """Return one row a model: accuracy with interval, size, and time against the float TFLite or the first."""
    lines = [
        "| | accuracy | n | calibration error | size | one face, one thread | int8 beside float on the same faces |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in models:
        report = entry.evaluations[0].report
        low, high = (100 * bound for bound in report.interval)
        times = [
            latency.stages["classify"]["p50_ms"]
            for latency in entry.latencies
            if "classify" in latency.stages
        ]
        time = f"{times[0]:.2f} ms" if times else ""
        cells = (
            NAMES.get(entry.model.name, entry.model.name),
            f"{100 * report.accuracy:.1f} % ({low:.1f} to {high:.1f})",
            f"{report.n:,}",
            f"{report.expected_calibration_error:.3f}",
            f"{entry.model.size_bytes / 1024:,.0f} KiB",
            time,
            "; ".join(beside_float(comparison.paired) for comparison in entry.comparisons),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def beside_float(paired: PairedComparison) -> str:
    """Return how much an int8 model names alike and what that changes in accuracy, with its interval."""
    low, high = (-bound for bound in reversed(paired.drop_interval))
    change = f"{0 - paired.drop_points:+.2f} points ({low:+.2f} to {high:+.2f})"
    return f"{100 * paired.top1_agreement:.1f} % alike, {change}"


def class_table(models: list[ModelResults]) -> str:
    """Return recall with interval and precision a class, float beside int8."""
    reports = [
        (NAMES.get(entry.model.name, entry.model.name), entry.evaluations[0].report) for entry in models
    ]
    heads = "".join(f" recall, {name} | precision, {name} |" for name, _ in reports)
    lines = [f"| class | faces |{heads}", "|---|---|" + "---|---|" * len(reports)]
    for label in reports[0][1].classes:
        row = f"| {label} | {reports[0][1].per_class[label].n} |"
        for _, report in reports:
            one = report.per_class[label]
            recall = (
                ""
                if one.interval is None or one.recall is None
                else (
                    f"{100 * one.recall:.0f} % ({100 * one.interval[0]:.0f} to {100 * one.interval[1]:.0f})"
                )
            )
            precision = "" if one.precision is None else f"{100 * one.precision:.0f} %"
            row += f" {recall} | {precision} |"
        lines.append(row)
    return "\n".join(lines)


def board_table() -> str:
    """Return the packaged model's estimated times on boards, from the instructions that were counted."""
    boards = [BOARDS[key] for key in ("pi5", "pi4", "pi-zero-2w")]
    packaged = load_model().path
    counts = {board: known_count(board, packaged) for board in boards}
    estimates = {board: estimate_latency(board, count, True) for board, count in counts.items() if count}
    lines = [
        f"| estimated, one thread | {' | '.join(board.name for board in boards)} |",
        "|---|" + "---|" * len(boards),
    ]
    for stage, what in STAGES.items():
        cells = []
        for board in boards:
            low, high = estimates[board].bounds_ms(stage)
            cells.append(f"{estimates[board].stages[stage]['p50_ms']:.1f} ms ({low:.1f} to {high:.1f})")
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shipped(suffix: str) -> list[ModelResults]:
    """Return the evaluated results of one shipped model, float and int8."""
    names = (f"evaluation{suffix}.json", f"benchmark{suffix}.json")
    return [
        entry
        for entry in join_results([read_results(MODELS / name) for name in names]).models
        if entry.evaluations
    ]


def documents() -> dict[Path, str]:
    """Return what each document should hold."""
    seven, compact, small, four = (shipped(suffix) for suffix in ("", "_compact", "_small", "4"))
    every = [*seven, *compact, *small, *four]
    leaked = seven[0].evaluations[0].leaked_n
    leaks = f"{leaked} of them also stand in Kaggle's Training rows, pixel for pixel." if leaked else ""
    ferplus = read_results(MODELS / "evaluation_ferplus.json").models[0].evaluations[0].report
    low, high = (100 * bound for bound in ferplus.interval)
    card = CARD.format(
        table=table(every),
        classes=class_table([*seven, *compact[1:], *small[1:]]),
        classes4=class_table(four),
        leaks=leaks,
        ferplus=f"{100 * ferplus.accuracy:.1f} % ({low:.1f} to {high:.1f})",
        ferplus_n=ferplus.n,
    )
    cpu = read_results(MODELS / "benchmark.json").provenance["cpu"]
    block = (
        f"The packaged model on a board:\n\n{board_table()}\n\nEstimated from instructions counted on emulated cores "
        "and from published times of other networks, with the band in which the truth should lie "
        "([how](docs/RESULTS.md#estimates)). No board was at hand.\n\n"
        f"{table(every)}\n\nOn FER2013 PublicTest, copies of its faces removed from training; median times "
        f"on {cpu}; without VNNI int8 is hardly faster than float "
        f"([FAQ](docs/FAQ.md)). More in [models/README.md](models/README.md).\n"
    )
    readme = BLOCK.sub(lambda found: found[1] + block + found[2], README.read_text())
    errors = f"\n{published_times.table()}\n\n"
    results = CALIBRATION.sub(lambda found: found[1] + errors + found[2], RESULTS.read_text())
    return {MODELS / "README.md": card, README: readme, RESULTS: results}


if __name__ == "__main__":
    for path, text in documents().items():
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.name} is stale; run make docs")
