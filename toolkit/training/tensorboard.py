"""What each epoch gave, for TensorBoard: ``tensorboard --logdir RUN/tensorboard``, under any Keras backend."""

from pathlib import Path
from typing import Self

from tensorboardX import SummaryWriter

from toolkit.results.history import EpochRecord

FOLDER = "tensorboard"


class TensorBoardLog:
    """Event files in ``folder``/tensorboard; what an earlier run logged from ``first_epoch`` on no longer counts.

    Nothing is written before an epoch is.
    """

    def __init__(self, folder: Path, first_epoch: int):
        self.folder = folder / FOLDER
        self.first_epoch = first_epoch
        self.writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def write(self, record: EpochRecord) -> None:
        """Log one epoch, and let a TensorBoard that is watching see it."""
        if self.writer is None:
            self.writer = SummaryWriter(str(self.folder), purge_step=self.first_epoch)
        for tag, value in scalars(record).items():
            self.writer.add_scalar(tag, value, record.epoch)
        self.writer.flush()


def scalars(record: EpochRecord) -> dict[str, float]:
    """Return what is logged of an epoch, by tag."""
    return {
        "loss/minimised": record.loss,
        "loss/training": record.training_loss,
        "loss/validation": record.validation_loss,
        "accuracy/validation": record.validation_accuracy,
        "accuracy/training": record.training_accuracy,
        "schedule/learning_rate": record.learning_rate,
        "time/seconds": record.seconds,
    }
