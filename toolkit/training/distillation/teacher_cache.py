"""Teachers' answers kept on disk: each view is put to the teachers once, for all students."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.files import sha256_of, whole_file
from toolkit.array_files import load_array
from toolkit.data.dataset import Dataset
from toolkit.training.batches import BatchMaker
from toolkit.training.recipe import TrainingRecipe

PROBED_FACES = 8


class TeacherCache:
    """The teachers' mean probabilities by view: arrays (N, C) float32, a row a face, NaN where they were not asked.

    Each view is a file in ``folder``, about 0.8 MB for 28,000 faces and 7 classes; without ``folder`` they are in
    memory only.
    """

    def __init__(self, face_count: int, class_count: int, folder: Path | None = None):
        self.shape = (face_count, class_count)
        self.folder = folder
        self.views: dict[int, np.ndarray] = {}
        self.changed: set[int] = set()

    def read(self, view: int, rows: np.ndarray) -> np.ndarray:
        """Return the answers on ``rows`` of ``view``, (B, C); EdgeError for a damaged file."""
        answers: np.ndarray = self._view(view)[rows]
        return answers

    def write(self, view: int, rows: np.ndarray, answers: np.ndarray) -> None:
        """Remember ``answers``, (B, C), on ``rows`` of ``view``; ``save`` brings them to disk."""
        self._view(view)[rows] = answers
        self.changed.add(view)

    def save(self) -> None:
        """Write the views that changed, each whole or not at all; EdgeError if the disk refuses."""
        if self.folder is not None:
            for view in self.changed:
                with whole_file(self._file(view)) as partial:
                    np.save(partial, self.views[view])
        self.changed.clear()

    def _view(self, view: int) -> np.ndarray:
        if view not in self.views:
            self.views[view] = self._load(view)
        return self.views[view]

    def _load(self, view: int) -> np.ndarray:
        if self.folder is None or not self._file(view).exists():
            return np.full(self.shape, np.nan, np.float32)
        try:
            stored = load_array(self._file(view))
            if stored.shape == self.shape and not _are_shares(stored):
                raise ValueError("they are no shares from 0 to 1")
        except (OSError, ValueError) as error:
            raise EdgeError(
                f"{self._file(view)} holds no answers of teachers ({error}); expected what a training wrote there; "
                "remove it, and they are asked again"
            ) from error
        if stored.shape != self.shape:
            raise EdgeError(
                f"{self._file(view)} holds answers of shape {stored.shape}; expected {self.shape}; remove it, and the "
                "teachers are asked again"
            )
        return stored

    def _file(self, view: int) -> Path:
        assert self.folder is not None
        return self.folder / f"view_{view:04}.npy"


def _are_shares(answers: np.ndarray) -> bool:
    """Return whether all ``answers`` are shares, or NaN where none was given."""
    if answers.dtype != np.float32:
        return False
    return bool((np.isnan(answers) | ((answers >= 0) & (answers <= 1.001))).all())


def answers_folder(parent: Path, teachers: Sequence[Path], faces: Dataset, recipe: TrainingRecipe) -> Path:
    """Return the folder in ``parent`` for the answers of ``teachers`` on the views of ``faces`` by ``recipe``.

    Its name is a digest of all three and of how views are made, so that answers to other questions are never read.
    """
    digest = hashlib.sha256(faces.fingerprint().encode())
    for teacher in sorted(sha256_of(path) for path in teachers):
        digest.update(teacher.encode())
    rows = np.arange(min(PROBED_FACES, len(faces)))
    views = BatchMaker(faces, recipe).make(rows, np.random.default_rng(0), view=0)
    digest.update(views.images.tobytes())
    digest.update(recipe.dtype_policy.encode())
    if recipe.recombined_views:
        digest.update(f"recombined from {recipe.first_recombined_view}".encode())
    return parent / digest.hexdigest()[:16]
