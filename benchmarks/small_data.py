"""What a training on few faces is worth, from nothing and from a shipped model, beside a plain Keras ``fit``.

    make bench-small DATA=fer2013.csv
    python benchmarks/small_data.py --data fer2013.csv --sizes 300 600 1200 3000

Faces of the training split are drawn, the same share of every class; those that any recipe of recipes/ holds out (5 %,
seed 0) are the test, which no shipped model learnt either. Ours: ``toolkit train`` with its defaults, one face in five
of the few held out to choose the epoch. Plain: the same network from the same weights and with the same faces, Adam at
0.001 in batches of 32, no augmentation, the best epoch by validation loss. Both for as many epochs. A row is kept in
docs/figures/small_data.json as soon as it is there; started again, the script goes on.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from device.cli.ending import run_script
from toolkit.data.dataset import Dataset

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "figures" / "small_data"
VALIDATION_SHARE = 0.2


def drawn(faces: Dataset, count: int, seed: int) -> Dataset:
    """Return about ``count`` faces, of every class the same share, two or more."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(faces.labels == label)) for label in range(len(faces.classes))]
    return faces.select(np.concatenate([of[: max(2, round(len(of) * count / len(faces)))] for of in rows]))


def train_ours(data: Any, arch: str, init: Path | None, epochs: int, seed: int) -> np.ndarray:
    """Return the trained model by the toolkit's own way; its probabilities come from best.keras."""
    from toolkit.training.recipe import FINE_TUNING_DEFAULTS, make_recipe
    from toolkit.training.request import TrainingRequest
    from toolkit.training.starting_weights import first_weights
    from toolkit.training.trainer import Trainer

    values = (dict(FINE_TUNING_DEFAULTS) if init else {}) | {"arch": arch, "epochs": epochs, "seed": seed}
    recipe = make_recipe(values)
    with tempfile.TemporaryDirectory() as folder:
        request = TrainingRequest(Path("-"), Path(folder), recipe, init=init)
        trainer = Trainer(data, recipe, Path(folder), [])
        first_weights(request)(trainer.student, data.train)
        trainer.run()
        from toolkit.models.keras_file import load_keras_model

        return load_keras_model(Path(folder) / "best.keras")


def train_plain(data: Any, arch: str, init: Path | None, epochs: int, seed: int):
    """Return the network that a notebook's ``fit`` gives."""
    import keras

    from toolkit.models.keras_file import load_keras_model
    from toolkit.training.architectures import build_network

    keras.utils.set_random_seed(seed)
    logits = build_network(arch, len(data.train.classes))
    model = keras.Model(logits.input, keras.layers.Softmax()(logits.output))
    if init:
        model.set_weights(load_keras_model(init).get_weights())
    model.compile(
        keras.optimizers.Adam(1e-3),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        kept = keras.callbacks.ModelCheckpoint(
            best, monitor="val_loss", save_best_only=True, save_weights_only=True
        )
        model.fit(
            pixels(data.train), data.train.labels, batch_size=32, epochs=epochs, verbose=0, callbacks=[kept],
            validation_data=(pixels(data.validation), data.validation.labels),
        )  # fmt: skip
        model.load_weights(best)
    return model


def pixels(faces: Dataset) -> np.ndarray:
    """Return the images as Keras takes them: (N, 48, 48, 1) float32, 0..255."""
    return np.asarray(faces.images)[..., None].astype(np.float32)


def measure(path: Path, sizes: list[int], seeds: int, epochs: int, arch: str, init: Path) -> None:
    """Measure what is not in the file yet; every row is written at once."""
    from toolkit.data.readers.loading import load_dataset
    from toolkit.data.splits import hold_out
    from toolkit.data.train_split import SplitChoice, TrainingData, split_for_training
    from toolkit.results.compare import compare_predictions
    from toolkit.results.metrics import evaluate_predictions

    whole = split_for_training(load_dataset(path), SplitChoice(True, 0.05, 0, "own"))
    file = OUT.with_suffix(".json")
    rows = json.loads(file.read_text()) if file.exists() else []
    done = {(row["faces"], row["start"], row["seed"], row["arch"], row["epochs"]) for row in rows}
    for seed in range(seeds):
        for size in sizes:
            for start, weights in (("nothing", None), (init.name, init)):
                if (size, start, seed, arch, epochs) in done:
                    continue
                parted = hold_out(drawn(whole.train, size, seed), VALIDATION_SHARE, seed)
                data = TrainingData(parted.split("train"), parted.split("validation"), 0)
                test = whole.validation
                answers = {
                    name: train(data, arch, weights, epochs, seed).predict(pixels(test), verbose=0)
                    for name, train in (("ours", train_ours), ("plain", train_plain))
                }
                reports = {
                    name: evaluate_predictions(found, test.labels, test.classes)
                    for name, found in answers.items()
                }
                paired = compare_predictions(answers["plain"], answers["ours"], test.labels)
                row = {
                    "arch": arch,
                    "epochs": epochs,
                    "faces": size,
                    "start": start,
                    "seed": seed,
                    "n": len(test),
                }
                for name, report in reports.items():
                    row[name] = {
                        "accuracy": report.accuracy,
                        "interval": report.interval,
                        "log_loss": report.log_loss,
                    }
                row["gain_points"] = -paired.drop_points
                row["gain_interval"] = [-paired.drop_interval[1], -paired.drop_interval[0]]
                rows.append(row)
                file.write_text(json.dumps(rows, indent=1) + "\n")
                print(row, flush=True)


def page(rows: list[dict[str, Any]]) -> str:
    """Return the table as Markdown."""

    def share(report: dict[str, Any]) -> str:
        low, high = (100 * bound for bound in report["interval"])
        return f"{100 * report['accuracy']:.1f} % ({low:.1f} to {high:.1f})"

    lines = [
        f"| {row['faces']:,} | {row['start']} | {row['arch']} | {row['epochs']} | {row['seed']} | "
        f"{share(row['ours'])} | {share(row['plain'])} | {row['gain_points']:+.1f} ({row['gain_interval'][0]:+.1f} to "
        f"{row['gain_interval'][1]:+.1f}) | {row['ours']['log_loss']:.2f} | {row['plain']['log_loss']:.2f} |"
        for row in sorted(
            rows, key=lambda row: (row["arch"], row["start"] != "nothing", row["faces"], row["seed"])
        )
    ]
    table = "\n".join(lines)
    return f"""# Trainings on few faces

Written by `make bench-small`. FER2013 Training faces, one in five of them held out to choose the epoch; measured on
{rows[0]["n"]:,} other Training faces that no shipped model learnt. Plain: Keras `fit` of the same network from the same
weights, Adam at 0.001, batches of 32, no augmentation, best epoch by validation loss, as many epochs. From a shipped
model the few faces are ones that it has learnt before: the row says what a fine-tuning keeps, not what new faces give.

| faces | from | network | epochs | seed | `toolkit train` | Keras `fit` | gain, points (95 %) | log loss | `fit`'s |
|---|---|---|---|---|---|---|---|---|---|
{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 600, 1200, 3000])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--arch", default="compact")
    parser.add_argument("--init", type=Path, default=ROOT / "models" / "compact.keras")
    args = parser.parse_args()
    measure(args.data, args.sizes, args.seeds, args.epochs, args.arch, args.init)
    OUT.with_suffix(".md").write_text(page(json.loads(OUT.with_suffix(".json").read_text())))


if __name__ == "__main__":
    run_script(main)
