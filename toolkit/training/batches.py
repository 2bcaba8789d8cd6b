"""Batches of augmented faces, made in the background while the processor trains."""

import collections
import math
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.even_choice import even_rows
from toolkit.data.ferplus import VOTE_COLUMNS
from toolkit.training.augmentation import augment_face
from toolkit.training.joining import by_class_size
from toolkit.training.pixels import pixels
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.recombination import recombination

WORKERS = 2
AHEAD = 6
STEPS_BACK = 10
VOTE_COUNT = len(VOTE_COLUMNS)
RECOMBINED = 7  # tells the choice of a partner from that of the changes


@dataclass(frozen=True)
class Batch:
    """images: (B, 48, 48, 1) float32 gray 0..255, or (B, 48, 48, 3) R, G, B; targets: (B, C) float32;
    votes: (B, V) float32 or None.

    rows: (B,) which faces of the data set they are; view: its number, None where every one is new.
    """

    images: np.ndarray
    targets: np.ndarray
    votes: np.ndarray | None
    rows: np.ndarray
    view: int | None


class BatchMaker:
    """Makes the batches of any epoch; the same seed and epoch give the same batches, whatever ran before.

    ``taught``, (N,) bool or None for all: the faces that may be recombined, for the teachers answer about them.
    """

    def __init__(
        self,
        dataset: Dataset,
        recipe: TrainingRecipe,
        chances: np.ndarray | None = None,
        taught: np.ndarray | None = None,
    ):
        self.dataset = dataset
        self.recipe = recipe = recipe.with_batch_size(len(dataset))
        self.class_count = len(dataset.classes)
        self.batches_per_epoch = max(1, len(dataset) // recipe.batch_size)
        self.targets = label_shares(dataset.labels, self.class_count, recipe)
        self.taught = np.ones(len(dataset), bool) if taught is None else taught
        self.partners = np.flatnonzero(self.taught)
        self.chances = chances
        if chances is None and recipe.class_balance:
            self.chances = by_class_size(dataset.labels, recipe.class_balance)
        votes = dataset.votes if recipe.votes_weight else None
        self.vote_shares = None if votes is None else vote_shares(votes)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch, shuffled; a last incomplete batch is left out."""
        rng = np.random.default_rng([self.recipe.seed, epoch])
        rows = self.draw_rows(rng)
        view = self.recipe.first_view + epoch % self.recipe.views if self.recipe.views else None
        chunks = np.array_split(rows, self.batches_per_epoch)
        with ThreadPoolExecutor(WORKERS, initializer=yield_the_processor) as pool:
            queue: collections.deque[Future[Batch]] = collections.deque()
            for number, chunk in enumerate(chunks):
                batch_rng = np.random.default_rng([self.recipe.seed, epoch, number])
                queue.append(pool.submit(self.make, chunk, batch_rng, view))
                if len(queue) > AHEAD:
                    yield queue.popleft().result()
            while queue:
                yield queue.popleft().result()

    def draw_rows(self, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of one epoch: every face once, or drawn with replacement when classes are balanced."""
        count = min(len(self.dataset), self.batches_per_epoch * self.recipe.batch_size)
        if self.chances is None:
            return rng.permutation(len(self.dataset))[:count]
        return rng.choice(len(self.dataset), count, p=self.chances)

    def sample(self, count: int, size: int) -> Iterator[np.ndarray]:
        """Yield the images of ``count`` faces, evenly spread, augmented, at most ``size`` at once; always the same."""
        rows = even_rows(len(self.dataset), count)
        rng = np.random.default_rng([self.recipe.seed, len(rows)])
        for chunk in np.array_split(rng.permutation(rows), math.ceil(len(rows) / size)):
            yield self.make(chunk, rng).images

    def make(self, rows: np.ndarray, rng: np.random.Generator, view: int | None = None) -> Batch:
        """Return one augmented batch of the faces at ``rows``.

        ``rng`` changes them; or ``view`` does, always alike, and ``rng`` only mirrors.
        """
        partners, shares = rows, np.ones((len(rows), 1), np.float32)
        if view is None:
            faces = self.changed(rows, [rng] * len(rows))
        else:
            faces = self.seen(rows, view)
            if view >= self.recipe.first_recombined_view:
                faces, partners, shares = self.recombined(faces, rows, view)
            if self.recipe.augmentation:  # a mirrored view means the same, and doubles the views for nothing
                mirrored = rng.random(len(faces)) < 0.5
                faces[mirrored] = faces[mirrored, :, ::-1]
        images, targets = pixels(faces), shares * self.targets[rows] + (1 - shares) * self.targets[partners]
        votes = self.vote_shares
        if votes is not None:
            votes = shares * votes[rows] + (1 - shares) * votes[partners]
        if self.recipe.mixup_alpha:
            share = np.float32(rng.beta(self.recipe.mixup_alpha, self.recipe.mixup_alpha))
            other = rng.permutation(len(rows))
            images = share * images + (1 - share) * images[other]
            targets = share * targets + (1 - share) * targets[other]
            votes = None if votes is None else share * votes + (1 - share) * votes[other]
        return Batch(images, targets, votes, rows, view)

    def seen(self, rows: np.ndarray, view: int) -> np.ndarray:
        """Return the faces at ``rows`` as ``view`` shows each, (B, 48, 48[, 3]) uint8, none of them recombined."""
        return self.changed(rows, [np.random.default_rng([self.recipe.seed, view, row]) for row in rows])

    def changed(self, rows: np.ndarray, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """Return the faces at ``rows``, each changed by its own of ``rngs``."""
        faces: np.ndarray = self.dataset.seen(colour=True)[rows]
        strength, parts = self.recipe.augmentation, self.recipe.augmentations
        if not strength:
            return faces
        return np.stack(
            [augment_face(face, its, strength, parts) for face, its in zip(faces, rngs, strict=True)]
        )

    def recombined(
        self, faces: np.ndarray, rows: np.ndarray, view: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ``faces``, those at ``rows``, recombined with others; the rows of the others; the share of each face
        in what it became, (B, 1) float32."""
        faces, partners, shares = faces.copy(), rows.copy(), np.ones((len(rows), 1), np.float32)
        for place, row in enumerate(rows):
            rng = np.random.default_rng([self.recipe.seed, view, row, RECOMBINED])
            mask = recombination(rng) if self.taught[row] else None
            if mask is None:
                continue
            partners[place] = self.partners[rng.integers(len(self.partners))]
            other = self.seen(partners[place : place + 1], view)[0]
            mask = mask.reshape(mask.shape + (1,) * (faces.ndim - 3))
            faces[place] = np.rint(faces[place] * mask + other * (1 - mask))
            shares[place] = mask.mean()
        return faces, partners, shares


def yield_the_processor() -> None:
    """Let this thread run first of all where a core is idle.

    The training step shares its work out evenly and waits for the slowest core: a thread that takes one of them for a
    moment delays all. Linux counts priorities by thread. Not the lowest, which would starve it on a busy machine.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + STEPS_BACK)


def label_shares(labels: np.ndarray, class_count: int, recipe: TrainingRecipe) -> np.ndarray:
    """Return what each label asks of the classes, (N, C) float32: smoothed, weighed by class where that is asked."""
    smoothing = recipe.label_smoothing
    shares = np.full((len(labels), class_count), smoothing / class_count, np.float32)
    shares[np.arange(len(labels)), labels] += 1 - smoothing
    return shares * class_weights(labels, class_count)[labels][:, None] if recipe.class_weights else shares


def class_weights(labels: np.ndarray, class_count: int) -> np.ndarray:
    """Return each class's weight in the loss, (C,) float32, proportional to 1 / (class size), 1 on average of faces."""
    sizes = np.bincount(labels, minlength=class_count)
    return (len(labels) / (np.count_nonzero(sizes) * np.maximum(sizes, 1))).astype(np.float32)


def vote_shares(votes: np.ndarray) -> np.ndarray:
    """Return FER+ votes, (N, VOTE_COUNT), as shares that sum to one, float32; zeros, which ask for nothing, where there
    are none."""
    totals = votes.sum(axis=1, keepdims=True)
    shares = np.zeros(votes.shape, np.float32)
    np.divide(votes, totals, out=shares, where=totals > 0, casting="unsafe")
    return shares
