"""When a training has left the numbers, or learns nothing that holds for other faces: told with what to do."""

import math
from pathlib import Path

from device.errors import EdgeError
from toolkit.results.history import EpochRecord
from toolkit.training.batches import VOTE_COUNT
from toolkit.training.recipe import TrainingRecipe

# A loss so many times that of guessing is no bad epoch, but a training that went wrong.
LOSS_TIMES, VALIDATION_TIMES = 10.0, 5.0


class Chance:
    """The loss of guessing: ``loss`` of everything that the training minimises, ``validation`` of the labels alone."""

    def __init__(self, class_count: int, recipe: TrainingRecipe, taught: bool, votes: bool):
        self.validation = math.log(class_count)
        weight = 1.0
        if taught:
            weight += recipe.teacher_weight * (recipe.teacher_temperature**2 - 1)
        self.loss = weight * self.validation + (recipe.votes_weight * math.log(VOTE_COUNT) if votes else 0.0)


def refuse_diverged(
    record: EpochRecord, history: list[EpochRecord], chance: Chance, folder: Path, recipe: TrainingRecipe
) -> None:
    """Raise EdgeError, with what to do, if the epoch ``record`` shows a training that went wrong.

    It did where the loss is no number or LOSS_TIMES that of guessing, and where the validation loss is
    VALIDATION_TIMES that of guessing while the training loss never was.
    """
    losses = [one.training_loss for one in (*history, record)]  # an earlier version's are not known
    worst_of_training = max(chance.validation, *(loss for loss in losses if math.isfinite(loss)), 0.0)
    if not math.isfinite(record.loss):
        what = f"the loss became {record.loss}"
    elif not (math.isfinite(record.validation_loss) and math.isfinite(record.training_loss)):
        what = "the weights overflowed"
    elif record.loss > LOSS_TIMES * chance.loss:
        what = f"the loss is {record.loss:.3g}, guessing has {chance.loss:.2f}"
    elif record.validation_loss > VALIDATION_TIMES * worst_of_training:
        what = (
            f"the validation loss is {record.validation_loss:.3g}, guessing has {chance.validation:.2f} and the "
            f"training faces {record.training_loss:.3g}"
        )
    else:
        return
    kept = "keeps the last good checkpoint" if history else "keeps nothing, no epoch was finished"
    advice = f"train again with a lower `learning_rate` than {recipe.learning_rate:g}"
    if recipe.arch != "compact":
        advice += ", or fine-tune `init=models/compact.keras` with `arch=compact`"
    raise EdgeError(f"{what} in epoch {record.epoch}; {folder} {kept}; {advice}")
