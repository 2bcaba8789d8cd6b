"""Every trained architecture on the same faces: accuracy, size, work and time, float beside int8.

    make architectures DATA=fer2013.csv
    python benchmarks/architectures.py --data fer2013.csv RUN…

Each RUN is a folder that ``toolkit train`` wrote. Its best.keras becomes a float32 and an int8 file; all of them are
evaluated on the validation split (FER2013's PublicTest) and timed in turn in one run. Writes
docs/figures/architectures.md.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from device.cli.ending import run_script
from toolkit.models.keras_file import read_keras_metadata
from toolkit.results.codec import read_results
from toolkit.results.merge import join_results
from toolkit.results.types import ModelResults, Results

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "figures" / "architectures.md"
RECIPES = ROOT / "recipes"


def toolkit(*arguments: object) -> None:
    """Run a toolkit command; its error line is enough if it fails."""
    command = [sys.executable, "-m", "toolkit", *map(str, arguments), "--quiet"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        sys.exit(1)


def measure(runs: list[Path], data: Path, folder: Path) -> Results:
    """Return the results of every run's float32 and int8 file, named ARCH_float32.tflite and ARCH_int8.tflite."""
    models: list[object] = []
    for run in runs:
        for recipe in ("float32", "int8"):
            out = folder / f"{run.name}_{recipe}.tflite"
            toolkit(
                "quantize", "--model", run / "best.keras", "--recipe", recipe, "--data", data, "--out", out
            )
            models += ["--model", out]
    evaluation, benchmark = folder / "evaluation.json", folder / "benchmark.json"
    toolkit("evaluate", *models, "--data", data, "--split", "validation", "--out", evaluation)
    toolkit("benchmark", *models, "--out", benchmark)
    return join_results([read_results(evaluation), read_results(benchmark)])


def accuracy(entry: ModelResults) -> str:
    """Return the accuracy with its interval."""
    report = entry.evaluations[0].report
    low, high = (100 * bound for bound in report.interval)
    return f"{100 * report.accuracy:.1f} % ({low:.1f} to {high:.1f})"


def page(results: Results, recipes: dict[str, dict]) -> str:
    """Return the table as Markdown, the most accurate first; ``recipes`` are those of the trainings by run."""
    by_name = {entry.model.name: entry for entry in results.models}
    lines = []
    for run, recipe in recipes.items():
        exact, small = (by_name[f"{run}_{form}.tflite"] for form in ("float32", "int8"))
        times = [entry.latencies[0].stages["classify"]["p50_ms"] for entry in (exact, small)]
        cells = (
            f"{recipe['arch']}, `{run}.toml`" if (RECIPES / f"{run}.toml").exists() else recipe["arch"],
            f"{recipe['epochs']}",
            accuracy(exact),
            accuracy(small),
            f"{exact.model.parameters:,}",
            f"{(exact.model.macs or 0) / 1e6:.1f}M",
            f"{times[0]:.2f} ms",
            f"{times[1]:.2f} ms",
            f"{small.model.size_bytes / 1024:,.0f}",
        )
        lines.append((exact.evaluations[0].report.accuracy, f"| {' | '.join(cells)} |"))
    rows = "\n".join(line for _, line in sorted(lines, reverse=True))
    report = results.models[0].evaluations[0].report
    return f"""# Architectures side by side

Written by `make architectures`. FER2013 PublicTest, n = {report.n:,}, copies of its faces removed from
training, epochs chosen on held-out Training faces; times of one face in one thread on
{results.provenance["documents"][-1]["cpu"]}, all models in turn in one run.

| architecture | epochs at most | float32 | int8 | parameters | MACs | float32 | int8 | int8 KiB |
|---|---|---|---|---|---|---|---|---|
{rows}

Rows without a recipe of their own were trained by `recipes/comparison.toml`; the others are told in
[TRAINING.md](../TRAINING.md), with what they go on from and who taught them. `vgg16`, `resnet50v2` and
`efficientnetv2b0` need ImageNet weights from a place that could not be reached where this table was made: not run.
EfficientNet-Lite0, out of the product since, reached 66.9 % (65.3 to 68.4), 2.61 ms as int8.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(args.runs, args.data, Path(folder))
    recipes = {
        run.name: (read_keras_metadata(run / "best.keras") or {})["training"]["recipe"] for run in args.runs
    }
    OUT.write_text(page(results, recipes))
    print(page(results, recipes))


if __name__ == "__main__":
    run_script(main)
