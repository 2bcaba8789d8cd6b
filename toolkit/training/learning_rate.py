"""The learning rate over a training, in one phase or in two: the new classifier alone first, then everything, gently.

A new classifier's first gradients are noise that would spoil trained features (Kumar et al. 2022, arXiv 2202.10054).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.training.recipe import TrainingRecipe

# A rise of fewer steps is none: optimizer and normalisations have not met enough faces.
WARMUP_STEPS = 50
# ... but no more than this share of a phase.
LONGEST_WARMUP = 0.4
FIRST_RATE = 0.04  # where a rise begins, as a share of the peak
PLATEAU_EPOCHS, PLATEAU_FACTOR = 4, 0.5
STEP_FALLS, STEP_FACTOR = (0.5, 0.75), 0.1


@dataclass(frozen=True)
class Phase:
    """The epochs from ``start`` to before ``stop``, from 0, with one cycle of the learning rate up to ``peak``.

    ``frozen``: only the heads learn; the backbone keeps its weights, and its batch normalisation the statistics.
    """

    start: int
    stop: int
    peak: float
    warmup_share: float
    frozen: bool
    schedule: str = "one-cycle"

    def learning_rate(self, epochs_done: float, plateaus: int = 0) -> float:
        """Return the learning rate after ``epochs_done`` epochs of the whole training and so many ``plateaus``."""
        share = (epochs_done - self.start) / (self.stop - self.start)
        return self.peak * rate_share(self.schedule, share, self.warmup_share) * PLATEAU_FACTOR**plateaus


def phase_of(epoch: int, recipe: TrainingRecipe, steps_per_epoch: int | None = None) -> Phase:
    """Return the phase in which ``epoch``, from 0, lies; without ``freeze_epochs`` there is but one.

    Where ``steps_per_epoch`` is given, a warm-up takes WARMUP_STEPS or more.
    """
    peak = recipe.peak_rate
    boundary = min(recipe.freeze_epochs, recipe.epochs)
    frozen = epoch < boundary
    start, stop = (0, boundary) if frozen else (boundary, recipe.epochs)
    if boundary and not frozen:
        peak *= recipe.fine_tune_factor
    warmup = recipe.warmup_share
    if warmup and steps_per_epoch:
        floor = min(WARMUP_STEPS / ((stop - start) * steps_per_epoch), LONGEST_WARMUP)
        warmup = max(warmup, floor)
    return Phase(start, stop, peak, warmup, frozen, recipe.schedule)


def rate_share(schedule: str, progress: float, warmup_share: float) -> float:
    """Return the learning rate at ``progress`` (0.0 to 1.0) as a share of the peak.

    All but ``cosine`` rise linearly at first. ``one-cycle`` is the one of arXiv 1708.07120 without the momentum cycle:
    after the rise a cosine down to zero.
    """
    if schedule == "cosine":
        return cosine_fall(progress)
    if progress < warmup_share:
        return FIRST_RATE + (1 - FIRST_RATE) * progress / warmup_share
    if schedule == "one-cycle":
        return cosine_fall((progress - warmup_share) / (1 - warmup_share))
    if schedule == "step":
        return STEP_FACTOR ** sum(progress >= fall for fall in STEP_FALLS)
    return 1.0


def cosine_fall(progress: float) -> float:
    """Return half a cosine, from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def plateaus(best: Sequence[bool]) -> int:
    """Return how often PLATEAU_EPOCHS epochs in a row brought no better one; ``best`` says of each whether it did."""
    count = waited = 0
    for better in best:
        waited = 0 if better else waited + 1
        if waited == PLATEAU_EPOCHS:
            count, waited = count + 1, 0
    return count
