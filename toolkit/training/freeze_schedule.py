"""Transfer learning in two phases: first the new classifier alone on a frozen backbone, then everything, gently.

A new classifier's first gradients are noise that would spoil trained features (Kumar et al. 2022, arXiv 2202.10054).
"""

from dataclasses import dataclass

import keras

from toolkit.training.recipe import TrainingRecipe
from toolkit.training.schedule import one_cycle

REFERENCE_BATCH = 128
HEADS = ("logits", "votes")


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

    def learning_rate(self, epochs_done: float) -> float:
        """Return the learning rate after ``epochs_done`` epochs of the whole training."""
        share = (epochs_done - self.start) / (self.stop - self.start)
        return one_cycle(share, self.peak, self.warmup_share)


def phase_of(epoch: int, recipe: TrainingRecipe) -> Phase:
    """Return the phase in which ``epoch``, from 0, lies; without ``freeze_epochs`` there is but one."""
    peak = recipe.learning_rate * recipe.batch_size / REFERENCE_BATCH
    boundary = min(recipe.freeze_epochs, recipe.epochs)
    if epoch < boundary:
        return Phase(0, boundary, peak, recipe.warmup_share, frozen=True)
    if boundary:
        peak *= recipe.fine_tune_factor
    return Phase(boundary, recipe.epochs, peak, recipe.warmup_share, frozen=False)


def set_frozen(student: keras.Model, frozen: bool) -> None:
    """Freeze all layers of ``student`` but its heads, or let all of them learn; compile it afterwards."""
    for layer in student.layers:
        layer.trainable = not frozen or layer.name in HEADS
