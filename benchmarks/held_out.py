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

import cv2
import numpy as np

from device.cli.commands import run_script
from toolkit.data.near_duplicates import standardized
from toolkit.data.readers.loading import load_dataset
from toolkit.data.train_split import SplitChoice, TrainingData, split_for_training
from toolkit.models.predictors import NarrowedPredictor, load_predictor
from toolkit.training.temperature import fit_temperature, negative_log_likelihood

CHOICE = SplitChoice(hold_out=True, validation_share=0.05, seed=0, label_source="own")
LEAST_CORRELATION = 0.9
THUMBNAIL = 16
LEAST_PROBABILITY = 1e-9


def has_near_copy(data: TrainingData) -> np.ndarray:
    """Return which validation faces have a near copy among the training faces, (N,) bool."""
    known, asked = thumbnails(np.asarray(data.train.images)), np.asarray(data.validation.images)
    nearest = [(thumbnails(faces) @ known.T).max(axis=1) for faces in (asked, asked[:, :, ::-1])]
    return np.asarray(np.max(nearest, axis=0) >= LEAST_CORRELATION)


def thumbnails(faces: np.ndarray) -> np.ndarray:
    """Return (N, 48, 48) uint8 faces as (N, 256) float32, whose products are the thumbnails' correlations."""
    small = [cv2.resize(face, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA) for face in faces]
    return standardized(np.array(small))


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
    alone = ~has_near_copy(data)
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
