"""What each epoch gave, as a CSV that a spreadsheet opens."""

import csv
import dataclasses
import io
import math
from dataclasses import dataclass
from pathlib import Path

from device.files import write_whole

FILE_NAME = "history.csv"


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: losses as means, accuracies as shares, whether it was the best so far.

    ``loss`` is what was minimised, on augmented faces; validation and training loss and accuracy are those of the saved
    weights on the validation faces and on a fixed sample of training faces as they are, at ``temperature``.
    """

    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    temperature: float
    best: bool
    training_loss: float = math.nan
    training_accuracy: float = math.nan


def write_history(folder: Path, history: list[EpochRecord]) -> None:
    """Write ``folder``/history.csv, a row an epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in dataclasses.fields(EpochRecord)])
    for record in history:
        row = dataclasses.astuple(record)
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])
    write_whole(folder / FILE_NAME, text.getvalue())
