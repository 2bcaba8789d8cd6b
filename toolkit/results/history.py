"""What each epoch gave, as a CSV that a spreadsheet opens."""

import contextlib
import csv
import dataclasses
import io
import math
from dataclasses import dataclass
from pathlib import Path

from device.files import read_short, write_whole

HISTORY_FILE = "history.csv"
MOST_BYTES = 16 << 20  # of a history: 100,000 epochs


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
    write_whole(folder / HISTORY_FILE, text.getvalue())


def read_history(folder: Path) -> dict[str, list[float]]:
    """Return the columns of ``folder``/history.csv that hold numbers, by name; none where there is no such file.

    An empty cell, such as an earlier version left, is left out.
    """
    try:
        rows = list(csv.DictReader(read_short(folder / HISTORY_FILE, MOST_BYTES).splitlines()))
    except (OSError, ValueError, csv.Error):
        return {}
    columns = {}
    for name in rows[0] if rows else ():
        with contextlib.suppress(TypeError, ValueError):  # "best", and whatever a foreign file holds
            columns[name] = [float(row[name]) for row in rows if row[name]]
    return columns
