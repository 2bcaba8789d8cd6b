"""Train what ships, in the order that the recipes' ``init`` and ``teachers`` ask for.

    python models/make_models.py --data fer2013.csv best compact small best4 ferplus
    python models/make_models.py --data fer2013.csv --compare fully-connected plain-cnn

Every ``recipes/NAME.toml`` trains in ``runs/NAME``. What is done is passed over, what stopped goes on. ``--compare``
trains architectures that are only compared, by recipes/comparison.toml.
"""

import argparse
import csv
import graphlib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

RECIPES, RUNS = Path("recipes"), Path("runs")
COMPARISON = "comparison"


def parents(recipe: dict[str, Any]) -> list[str]:
    """Return the runs whose models a recipe starts from or learns from, by name; what ships needs none."""
    paths = [Path(path) for path in (recipe.get("init"), *recipe.get("teachers", ())) if path]
    return [path.parent.name for path in paths if path.is_relative_to(RUNS)]


def in_order(wanted: list[str], recipes: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of ``wanted`` and of all that they need, each after what it needs."""
    graph: dict[str, list[str]] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in recipes:
            sys.exit(f"error: no recipe {RECIPES / name}.toml; there are: {', '.join(sorted(recipes))}")
        if name not in graph:
            graph[name] = parents(recipes[name])
            waiting += graph[name]
    return list(graphlib.TopologicalSorter(graph).static_order())


def is_done(run: Path, epochs: int) -> bool:
    """Return whether ``run`` holds a model and a history of ``epochs`` epochs."""
    if not (run / "best.keras").exists() or not (run / "history.csv").exists():
        return False
    with open(run / "history.csv", newline="") as handle:
        return len(list(csv.DictReader(handle))) >= epochs


def train(recipe: str, run: Path, data: Path, epochs: int, *options: str) -> None:
    """Train or go on in ``run``, unless it is done; exit with the error line of a training that fails."""
    if is_done(run, epochs):
        return
    command = [
        sys.executable,
        "-m",
        "toolkit",
        "train",
        "--data",
        str(data),
        "--recipe",
        f"{RECIPES / recipe}.toml",
    ]
    command += ["--out", str(run), *options]
    if (run / "checkpoint.npz").exists():
        command.append("--resume")
    print(f"{run}", file=sys.stderr)
    if code := subprocess.run(command).returncode:
        sys.exit(code)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--compare", action="store_true", help="NAMEs are architectures, not recipes")
    parser.add_argument("--list", action="store_true", help="print the order and train nothing")
    args = parser.parse_args()
    recipes = {path.stem: tomllib.loads(path.read_text()) for path in RECIPES.glob("*.toml")}
    names = args.names if args.compare else in_order(args.names, recipes)
    for name in names:
        recipe = COMPARISON if args.compare else name
        options = ("--arch", name) if args.compare else ()
        if args.list:
            print(name)
        else:
            train(recipe, RUNS / name, args.data, recipes[recipe]["epochs"], *options)


if __name__ == "__main__":
    main()
