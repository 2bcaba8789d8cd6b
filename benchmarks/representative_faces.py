"""How many representative faces are enough, and whether synthetic ones do as well as real ones.

    python benchmarks/representative_faces.py --model models/best.keras --data fer2013.csv

For each number of faces and each of some seeds: calibrate, quantize to int8, and measure against float on the held-out
faces of DATA. The 'worst' column is what a user may meet. representative_faces.json holds what it found for the shipped
model (5 seeds): from 20 faces on, real or synthetic, the drop stays within two tenths of a point for every seed.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from device.cli.ending import run_script
from device.model.expression_model import ExpressionModel
from toolkit.data.readers.loading import load_dataset
from toolkit.data.synthesis import load_synthetic
from toolkit.quantization.conversion.convert import Conversion
from toolkit.quantization.measurement import measure
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.quantizer import Quantizer
from toolkit.quantization.representative import choose_representative
from toolkit.quantization.run import open_quantizer

COUNTS = (5, 10, 20, 50, 100, 200, 500, 1000)


def curve(quantizer: Quantizer, faces, counts, seeds: int) -> list[dict]:
    """Return for each number of ``faces`` the drop in points and the top-1 agreement, mean and worst over the seeds."""
    rows = []
    for count in (count for count in counts if count <= len(faces)):
        drops, agreements = [], []
        for seed in range(seeds):
            chosen = choose_representative(faces, count, seed).faces.images
            tflite = Conversion(quantizer.network, chosen, quantizer.conversion.float_file).integer()
            model = ExpressionModel(tflite, quantizer.network.path, quantizer.network.labels)
            found = measure(model, quantizer.faces.measuring, quantizer.float_probabilities, labelled=True)
            drops.append(found.drop_points)
            agreements.append(found.top1_agreement)
        rows.append(
            {
                "faces": count,
                "drop_points": float(np.mean(drops)),
                "worst_drop_points": max(drops),
                "agreement": float(np.mean(agreements)),
                "worst_agreement": min(agreements),
            }
        )
        print(_line(rows[-1]), flush=True)
    return rows


def _line(row: dict) -> str:
    return (
        f"{row['faces']:>6} {row['drop_points']:>+8.2f} {row['worst_drop_points']:>+8.2f} "
        f"{100 * row['agreement']:>9.2f} % {100 * row['worst_agreement']:>9.2f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", help="a JSON file for the figures")
    arguments = parser.parse_args()
    data = load_dataset(arguments.data)
    quantizer = open_quantizer(QuantizeOptions(Path(arguments.model), data))
    document: dict = {"model": Path(arguments.model).name, "measured_on": len(quantizer.faces.measuring)}
    for name, faces in (("real", data.split("train")), ("synthetic", load_synthetic())):
        print(f"{name}\n faces     drop    worst   agreement       worst")
        document[name] = curve(
            quantizer, faces.with_classes(quantizer.network.labels), COUNTS, arguments.seeds
        )
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    run_script(main)
