"""Making synthetic faces from a data set of real ones."""

import logging
from dataclasses import dataclass

import numpy as np
from synthetic.eye_alignment import align_by_eyes
from synthetic.face_model import FaceModel, fit_face_model, normalize_light
from synthetic.resemblance import highest_resemblance

from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES, normal_class_name
from toolkit.data.dataset import Dataset
from toolkit.data.ferplus import VOTE_COLUMNS
from toolkit.data.synthesis import labelled

FACES_PER_CLASS = 64
# Of so many samples the clearest is kept.
DRAWN_FOR_ONE = 80
# So many times the faces wanted are compared with the real ones, for some may resemble them too much.
SPARE = 2
# Faces of the data that the model is fitted on, a class: those whose FER+ taggers agree, within these numbers.
CLEAR_SHARE = 0.6
FITTED_PER_CLASS = (400, 1800)
# No sample correlates more than this with any face of the data (see README.md for what is usual).
MAX_RESEMBLANCE = 0.95

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Synthesis:
    """New faces, and how they came: real faces fitted on, and the resemblance (correlation over the middle of the
    face, 1 for a copy) of each new face with the real face nearest to it, (N,)."""

    faces: Dataset
    fitted: int
    resemblance: np.ndarray

    def to_json(self) -> dict:
        resemblance = np.percentile(self.resemblance, [50, 100])
        return {
            "synthetic": True,
            "faces": len(self.faces),
            "classes": list(self.faces.classes),
            "fitted_on_faces": self.fitted,
            "resemblance_with_nearest_real_face": {
                "median": round(float(resemblance[0]), 4),
                "highest": round(float(resemblance[1]), 4),
            },
        }


def fit_and_sample(dataset: Dataset, per_class: int = FACES_PER_CLASS, seed: int = 0) -> Synthesis:
    """Return ``per_class`` synthetic faces of each of FER2013's classes, from a model of ``dataset``'s 'train' faces.

    Raises EdgeError if the data set has other classes or too few faces with both eyes to be seen.
    """
    if dataset.classes != FER2013_CLASSES:
        raise EdgeError(
            f"{dataset.source}: expected the classes {', '.join(FER2013_CLASSES)} to fit synthetic faces on; "
            f"received {', '.join(dataset.classes)}"
        )
    train = dataset.split("train")
    rng = np.random.default_rng(seed)
    chosen = train.select(clear_rows(train, rng))
    logger.info(f"aligning {len(chosen)} faces by their eyes")
    aligned, rows = align_by_eyes(chosen.images)
    labels = chosen.labels[rows]
    fewest = np.bincount(labels, minlength=len(FER2013_CLASSES)).min()
    if fewest < 2:
        raise EdgeError(
            f"{dataset.source}: a class has {fewest} faces with both eyes found; expected 2 or more"
        )
    logger.info(f"fitting on {len(aligned)} faces")
    model = fit_face_model(aligned, labels, len(FER2013_CLASSES))
    real = np.concatenate([normalize_light(aligned)[0], normalize_light(train.images)[0]])
    parts = []
    for label, name in enumerate(FER2013_CLASSES):
        logger.info(f"sampling {name}")
        parts.append(sample_class(model, label, per_class, real, rng))
    images = np.concatenate([faces for faces, _ in parts])
    return Synthesis(labelled(images), len(aligned), np.concatenate([likeness for _, likeness in parts]))


def clear_rows(train: Dataset, rng: np.random.Generator) -> np.ndarray:
    """Return rows of each class to fit on: those that most taggers named so, or any where there are no votes."""
    shares = np.ones(len(train)) if train.votes is None else label_shares(train)
    fewest, most = FITTED_PER_CLASS
    chosen = []
    for label in range(len(train.classes)):
        rows = rng.permutation(np.flatnonzero(train.labels == label))
        rows = rows[np.argsort(-shares[rows], kind="stable")]
        chosen.append(rows[: np.clip((shares[rows] >= CLEAR_SHARE).sum(), fewest, most)])
    return np.concatenate(chosen)


def label_shares(faces: Dataset) -> np.ndarray:
    """Return for each face the share of its taggers who named its label, (N,) float64; 0 for a class they lack."""
    assert faces.votes is not None
    columns = [normal_class_name(name) for name in VOTE_COLUMNS]
    column_of = np.array([columns.index(name) if name in columns else -1 for name in faces.classes])
    column = column_of[faces.labels]
    named = np.where(column < 0, 0, faces.votes[np.arange(len(faces)), column])
    return np.asarray(named / np.maximum(faces.votes.sum(axis=1), 1))


def sample_class(
    model: FaceModel, label: int, count: int, real: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``count`` faces of a class, clearest first, and each one's resemblance with the nearest of ``real``."""
    points = model.sample(label, count * DRAWN_FOR_ONE, rng)
    clearest = np.argsort(-model.margins(points, label))[: count * SPARE]
    faces = model.render(points[clearest], rng)
    resemblance = highest_resemblance(faces, real)
    new = np.flatnonzero(resemblance <= MAX_RESEMBLANCE)[:count]
    if len(new) < count:
        raise EdgeError(
            f"the model of class '{FER2013_CLASSES[label]}' repeats faces that it was fitted on: "
            f"{len(faces) - len(new)} of {len(faces)} samples are nearly copies; fit it on more faces"
        )
    return faces[new], resemblance[new]
