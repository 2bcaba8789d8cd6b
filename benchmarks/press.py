"""Models on the faces of press photographs: near to what a camera sees, and not what FER2013 taught.

    python benchmarks/press.py [--press ../shared/data/press] [--part test] [--json] MODEL…
    python benchmarks/press.py [--press ../shared/data/press] --folders OUT

For each MODEL, .keras or .tflite, on the faces of its classes: balanced accuracy over those of COUNTED with its 95 %
interval (bootstrap of the faces of each class), the recalls, the calibration error over all faces, and the confusion;
all outputs compete. With --folders it writes a data set for ``toolkit train --more-data``: OUT/train holds the parts
tune and validation, OUT/test the part test. The parts share no person as far as a network can tell: press_parts.py. One
student labelled each face, not always rightly; most faces are happy or neutral.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from device.cli.ending import run_script
from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.dataset import FACE_SIZE, SPLITS, Dataset
from toolkit.models.predictors import NarrowedPredictor, load_predictor
from toolkit.results.metrics import EvaluationReport, evaluate_predictions

CLASSES = tuple(FER2013_CLASSES)
COUNTED = ("angry", "happy", "sad", "surprise", "neutral")
PARTS = ("tune", "validation", "test")
PARTS_FILE = Path(__file__).with_name("press_parts.json")
TILE = 64
RESAMPLES = 5000


@dataclass(frozen=True)
class PressFigures:
    """How one model does: balanced accuracy over COUNTED, ratio with its 95 % interval, n, and the whole report."""

    model: str
    n: int
    balanced_accuracy: float
    interval: tuple[float, float]
    report: EvaluationReport

    def line(self) -> str:
        recalls = ", ".join(
            f"{name} {self.report.per_class[name].recall:.2f}" for name in _counted(self.report.classes)
        )
        low, high = self.interval
        return (
            f"{self.model}: balanced accuracy {self.balanced_accuracy:.3f} ({low:.3f} to {high:.3f}), n = {self.n:,}; "
            f"{recalls}; calibration error {self.report.expected_calibration_error:.3f}"
        )


def load_press(folder: Path) -> Dataset:
    """Return all faces, the middle 48x48 of each tile, the split 'train' for all."""
    labels = np.load(folder / "labels.npz")["labels"].astype(np.int64)
    sheets = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob("faces-*.png"))]
    tiles = [
        sheet.reshape(-1, TILE, TILE, TILE).transpose(0, 2, 1, 3).reshape(-1, TILE, TILE) for sheet in sheets
    ]
    edge = (TILE - FACE_SIZE) // 2
    images = np.concatenate(tiles)[: len(labels), edge:-edge, edge:-edge]
    return Dataset(
        images=np.ascontiguousarray(images),
        labels=labels,
        classes=CLASSES,
        splits=np.full(len(labels), "train"),
        names=np.arange(len(labels)).astype(str),
        source=str(folder),
    )


def load_parts(folder: Path) -> Dataset:
    """Return the faces with the parts as their splits: tune is 'train'; EdgeError for other faces."""
    faces = load_press(folder)
    parts = json.loads(PARTS_FILE.read_text())
    if parts["faces_sha256"] != faces.fingerprint():
        raise EdgeError(
            f"{folder} does not hold the faces that {PARTS_FILE.name} was made of; fetch them again"
        )
    return replace(faces, splits=np.array(SPLITS)[[int(part) for part in parts["part_of_face"]]])


def measure(model: Path, faces: Dataset) -> PressFigures:
    """Return the figures of ``model`` on those of ``faces`` whose classes it knows."""
    predictor = load_predictor(model)
    classes = tuple(name for name in CLASSES if name in predictor.labels)
    faces = faces.with_classes(classes)
    probabilities = NarrowedPredictor(predictor, classes).predict(faces.images)
    report = evaluate_predictions(probabilities, faces.labels, classes)
    right = probabilities.argmax(axis=1) == faces.labels
    rng = np.random.default_rng(0)
    by_class = [right[faces.labels == classes.index(name)] for name in _counted(classes)]
    resampled = np.mean(
        [rng.binomial(len(one), one.mean(), RESAMPLES) / len(one) for one in by_class], axis=0
    )
    low, high = (float(bound) for bound in np.quantile(resampled, (0.025, 0.975)))
    balanced = float(np.mean([one.mean() for one in by_class]))
    return PressFigures(model.name, sum(map(len, by_class)), balanced, (low, high), report)


def _counted(classes: Sequence[str]) -> list[str]:
    return [name for name in COUNTED if name in classes]


def confusion(report: EvaluationReport) -> str:
    """Return the confusion as lines: a row a true class, a column a named one."""
    head = " " * 9 + " ".join(f"{name:>8}" for name in report.classes)
    rows = [
        f"{name:8} " + " ".join(f"{count:8}" for count in row)
        for name, row in zip(report.classes, report.confusion, strict=True)
    ]
    return "\n".join([head, *rows])


def write_folders(faces: Dataset, out: Path) -> None:
    """Write PNG files into OUT/train and OUT/test, a folder a class."""
    for image, label, split, name in zip(faces.images, faces.labels, faces.splits, faces.names, strict=True):
        folder = out / ("test" if split == "test" else "train") / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{int(name):05}.png"), image)


def main() -> None:
    """Measure the models, or lay the faces out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument("--press", type=Path, default=Path("../shared/data/press"))
    parser.add_argument("--part", choices=PARTS, default="test")
    parser.add_argument("--folders", type=Path, metavar="OUT")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    faces = load_parts(asked.press)
    if asked.folders:
        write_folders(faces, asked.folders)
    part = faces.split(SPLITS[PARTS.index(asked.part)])
    for model in asked.models:
        figures = measure(model, part)
        if asked.json:
            document = {
                "model": figures.model,
                "part": asked.part,
                "n": figures.n,
                "balanced_accuracy": figures.balanced_accuracy,
                "interval": figures.interval,
                "report": asdict(figures.report),
            }
            print(json.dumps(document))
        else:
            sys.stdout.write(f"{figures.line()}\n{confusion(figures.report)}\n\n")


if __name__ == "__main__":
    run_script(main)
