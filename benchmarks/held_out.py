"""Models and panels of models on the held-out faces that chose every epoch: what docs/TRAINING.md compares.

    python benchmarks/held_out.py --data fer2013.csv MODEL[+MODEL…]…

For each MODEL, .keras or .tflite of seven classes, or panel, the mean of several: the loss at the temperature of the
lowest loss, and the accuracy, over all held-out faces, asked as they are and mirrored too; then, mirrored too, over
those without a near copy among the faces learnt from. A near copy is another cut or light of the same photograph: who
learns labels by heart is right about it. Faces are near copies where the pixels of their 16x16 thumbnails, one of them
mirrored or not, correlate by 0.9 or more.
"""

import argparse
from pathlib import Path

import numpy as np

from device.cli.ending import run_script
from toolkit.data.near_duplicates import has_near_copy
from toolkit.data.readers.loading import load_dataset
from toolkit.data.train_split import SplitChoice, split_for_training
from toolkit.models.predictors import NarrowedPredictor, load_predictor
from toolkit.training.temperature import fit_temperature, negative_log_likelihood

CHOICE = SplitChoice(hold_out=True, validation_share=0.05, seed=0, label_source="own")
LEAST_PROBABILITY = 1e-9


def figures(probabilities: np.ndarray, labels: np.ndarray) -> str:
    """Return loss and accuracy of (N, C) probabilities in words."""
    logits = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    loss = negative_log_likelihood(logits / fit_temperature(logits, labels), labels)
    return f"{loss:.4f}, {100 * np.mean(probabilities.argmax(axis=1) == labels):.1f} %"


def main() -> None:
    """Print a line for each model and panel."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("panels", nargs="+", metavar="MODEL[+MODEL…]")
    parser.add_argument("--data", type=Path, required=True)
    asked = parser.parse_args()
    data = split_for_training(load_dataset(asked.data), CHOICE)
    faces, labels = np.asarray(data.validation.images), data.validation.labels
    alone = ~has_near_copy(faces, np.asarray(data.train.images))
    print(f"n = {len(labels):,}, {alone.sum():,} of them without a near copy", flush=True)
    answers: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for panel in asked.panels:
        for path in panel.split("+"):
            if path not in answers:
                predictor = NarrowedPredictor(load_predictor(Path(path)), data.train.classes)
                there = predictor.predict(faces)
                answers[path] = there, (there + predictor.predict(faces[:, :, ::-1])) / 2
        plain, mirrored = (
            np.mean([answers[path][way] for path in panel.split("+")], axis=0) for way in (0, 1)
        )
        print(
            f"{panel}: {figures(plain, labels)}; mirrored too {figures(mirrored, labels)}; "
            f"without near copies {figures(mirrored[alone], labels[alone])}",
            flush=True,
        )


if __name__ == "__main__":
    run_script(main)
