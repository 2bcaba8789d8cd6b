"""Write the mean of two models' weights, one of which went on from what the other went on from too.

    python models/mix_weights.py --data fer2013.csv --share 0.3 runs/best_panel/best.keras runs/best_head/best.keras OUT

``share`` of the second, the rest of the first: one network that knows some of what each learnt (arXiv 2203.05482,
2109.01903). The normalisations' statistics are estimated anew on the training faces of FER2013, the temperature on the
held-out ones, which the recipes of both must have held out, without those that have a near copy in training: what a
network learnt by heart is no measure of how sure it may be.
"""

import argparse
import sys
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device.cli.ending import run_script
from device.errors import EdgeError
from toolkit.data.near_duplicates import has_near_copy
from toolkit.data.readers.loading import load_dataset
from toolkit.data.train_split import TrainingData, split_for_training
from toolkit.models.keras_file import load_keras_model, read_keras_metadata, save_model
from toolkit.training.averaging import blended
from toolkit.training.batches import BatchMaker
from toolkit.training.pixels import pixels
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.renormalization import reestimate_statistics
from toolkit.training.student import with_probabilities, without_softmax
from toolkit.training.temperature import fit_temperature
from toolkit.training.trainer import CLEAN_FACES, STATISTICS_BATCH

RECIPE = TrainingRecipe(augmentation=0.7, hold_out=True, validation_share=0.05)


def mixed(first: keras.Model, second: keras.Model, share: float, faces: BatchMaker) -> keras.Model:
    """Return ``first`` giving logits, with ``share`` of ``second`` in its weights and the statistics of ``faces``."""
    network, other = without_softmax(first), without_softmax(second)
    network.set_weights(blended(other.get_weights(), network.get_weights(), share))
    reestimate_statistics(network, list(faces.sample(CLEAN_FACES, STATISTICS_BATCH)))
    return network


def calibrated(network: keras.Model, data: TrainingData) -> tuple[keras.Model, float, float]:
    """Return ``network`` giving probabilities, and its temperature and accuracy on the held-out faces."""
    faces, labels = np.asarray(data.validation.images), data.validation.labels
    logits = network.predict(pixels(faces), verbose=0)
    alone = ~has_near_copy(faces, np.asarray(data.train.images))
    temperature = fit_temperature(logits[alone], labels[alone])
    right = float(np.mean(logits.argmax(axis=1) == labels))
    return with_probabilities(network, temperature, network.name), temperature, right


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--share", type=float, required=True)
    asked = parser.parse_args()
    metadata = read_keras_metadata(asked.first) or {}
    classes = tuple(metadata["labels"])
    data = split_for_training(load_dataset(asked.data), RECIPE.split_choice, classes).in_gray()
    faces = BatchMaker(data.train, RECIPE)
    first, second = (load_keras_model(path) for path in (asked.first, asked.second))
    if [weight.shape for weight in first.weights] != [weight.shape for weight in second.weights]:
        raise EdgeError(f"{asked.second} is of another architecture than {asked.first}; pass two of the same")
    model, temperature, right = calibrated(mixed(first, second, asked.share, faces), data)
    metadata["training"] = metadata.get("training", {}) | {
        "run": asked.out.stem,
        "mixed_with": asked.second.parent.name,
        "mixed_share": asked.share,
        "temperature": round(temperature, 4),
        "validation_faces": len(data.validation),
        "validation_accuracy": right,
    }
    save_model(model, asked.out, metadata, overwrite=True)
    print(
        f"{asked.out}: {100 * right:.1f} % of {len(data.validation):,} held-out faces, temperature {temperature:.3f}"
    )


if __name__ == "__main__":
    run_script(main)
