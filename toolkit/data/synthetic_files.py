"""The shipped synthetic faces as folders."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from toolkit.data.dataset import SPLITS
from toolkit.data.synthesis import MARK, load_synthetic
from toolkit.outputs import new_folder

MARK_TEXT = "The faces in these folders are synthetic, of no real person: toolkit data synth made them.\n"
# Of ten faces: so many to train, to choose the best epoch, and to report.
SPLIT_TENTHS = (6, 2, 2)


def write_shipped(out: Path, overwrite: bool = False) -> dict[str, Any]:
    """Write the shipped synthetic faces to ``out/SPLIT/CLASS/NUMBER.png``, as ``new_folder`` says; return what was
    written."""
    dataset = load_synthetic()
    splits = splits_by_class(dataset.labels)
    with new_folder(out, overwrite) as place:
        (place / MARK).write_text(MARK_TEXT)
        for number, (image, label, split) in enumerate(
            zip(dataset.images, dataset.labels, splits, strict=True)
        ):
            folder = place / str(split) / dataset.classes[label]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:05d}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    counts = {name: int((splits == name).sum()) for name in SPLITS}
    return {"synthetic": True, "faces": len(dataset), "classes": list(dataset.classes), "splits": counts}


def splits_by_class(labels: np.ndarray) -> np.ndarray:
    """Return the split of each face, (N,) str: of each class of ``labels``, (N,) int64, six tenths 'train', two
    'validation', two 'test'."""
    pattern = np.repeat(SPLITS, SPLIT_TENTHS)
    splits = np.empty(len(labels), "U10")
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        splits[rows] = pattern[np.arange(len(rows)) * 7 % 10]  # 7: mixes the splits along the rows
    return splits
