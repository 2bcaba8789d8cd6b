"""Write the figures of the documents from the committed results: models/README.md and the table in README.md.

    python docs/make_figures.py            writes both
    python docs/make_figures.py --check    exits 1 if either is not what would be written

The results are models/evaluation.json and models/benchmark.json, made by `make models`.
"""

import re
import sys
from pathlib import Path

from toolkit.evaluation.results import ModelResults, join_results, read_results

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- figures:begin -->\n).*?(<!-- figures:end -->)", flags=re.DOTALL)
NAMES = {"best_float32.tflite": "float32", "fer7_int8.tflite": "int8"}

CARD = """# Models that ship

Written by `make docs` from `models/evaluation.json` and `models/benchmark.json`; do not edit.

| file | what it is |
|---|---|
| `best.keras` | seven classes, float32, 48x48 gray in, probabilities out |
| `best_int8.tflite` | the same, full integer int8 (a link to `device/data/fer7_int8.tflite`, which the wheel carries) |
| `synthetic_faces.png` | 448 labelled faces of no real person: [their card](synthetic_faces.md) |
| `SHA256SUMS` | digests of the models |

{table}

Faces: FER2013 PublicTest, as Kaggle's file orders them. Within each training cycle the epoch was chosen on held-out
Training faces alone. PublicTest was looked at between: the second cycle was decided on, and its epoch rule changed,
after the first cycle's 66.4 % there was known, so these figures are slightly favourable. {leaks}
They were removed before training, so no test face was trained on. Intervals are Wilson's at 95 %.

## By class

{classes}

## Reproduce

`make models DATA=fer2013.csv` (with `fer2013new.csv`, the FER+ votes, beside it) trains 60 epochs with
`recipes/best.toml` and 30 more from there with `recipes/best_tuned.toml` (31 s an epoch on two idle cores), quantizes,
evaluates and writes this card. In the run that made these files the first cycle's epoch was chosen by validation
accuracy; the code now takes the lowest validation loss in both. FER2013 has no open licence and is not part of this
repository.

## Intended use and limits

A seven-way guess at what a face shows, for interfaces, art, toys and research on one's own pictures. It is not a
reading of what somebody feels. Trained on web pictures with noisy labels: the classes with the lowest recall in the
table are named wrongly more often than not hinted at by the overall figure, 'disgust' had 436 faces to learn from,
and neither age, skin colour nor head pose were balanced. Do not use it to judge people. The EU AI Act, article
5(1)(f), prohibits inferring emotions at work and in schools, medical and safety reasons excepted.
"""


def table(models: list[ModelResults]) -> str:
    """Return one row a model: accuracy with interval, size, and time against the float TFLite or the first."""
    lines = [
        "| | accuracy | n | calibration error | size | one face, one thread |",
        "|---|---|---|---|---|---|",
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
        )
        lines.append(f"| {' | '.join(cells)} |")
    for entry in models:
        for comparison in entry.comparisons:
            paired = comparison.paired
            low, high = (-bound for bound in reversed(paired.drop_interval))
            lines.append("")
            lines.append(
                f"int8 against float on the same faces: {100 * paired.top1_agreement:.1f} % named alike, accuracy "
                f"changes by {-paired.drop_points:+.2f} points (95 %: {low:+.2f} to {high:+.2f})."
            )
    return "\n".join(lines)


def class_table(models: list[ModelResults]) -> str:
    """Return recall with interval and precision a class, float beside int8."""
    reports = [
        (NAMES.get(entry.model.name, entry.model.name), entry.evaluations[0].report) for entry in models
    ]
    heads = "".join(f" recall, {name} | precision |" for name, _ in reports)
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


def documents() -> dict[Path, str]:
    """Return what each document should hold."""
    results = join_results([read_results(MODELS / name) for name in ("evaluation.json", "benchmark.json")])
    models = [entry for entry in results.models if entry.evaluations]
    leaked = models[0].evaluations[0].leaked_n
    leaks = f"{leaked} of them also stand in Kaggle's Training rows, pixel for pixel." if leaked else ""
    card = CARD.format(table=table(models), classes=class_table(models), leaks=leaks)
    count, cpu = models[0].evaluations[0].report.n, results.provenance["documents"][-1]["cpu"]
    block = (
        f"{table(models)}\n\nOn the {count:,} faces of FER2013 PublicTest, copies removed from training; times on "
        f"{cpu}. More in [models/README.md](models/README.md).\n"
    )
    readme = BLOCK.sub(lambda found: found[1] + block + found[2], README.read_text())
    return {MODELS / "README.md": card, README: readme}


if __name__ == "__main__":
    for path, text in documents().items():
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.name} is stale; run make docs")
