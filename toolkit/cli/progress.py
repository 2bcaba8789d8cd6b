"""The progress bar of a training, on standard error."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from toolkit.results.history import EpochRecord


class TrainingProgress:
    """A bar for the epoch and one for the whole training with an estimate; a line an epoch where no terminal is."""

    def __init__(self, epochs: int, quiet: bool):
        self.epochs = epochs
        self.epochs_done = 0
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> "TrainingProgress":
        self.bar.start()
        self.task = self.bar.add_task("loading", total=None)
        return self

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.console.print(line, markup=False)

    def step(self, epoch: int, done: int, steps: int, loss: float) -> None:
        """Move the bar to ``done`` of ``steps`` of epoch ``epoch`` (from 0)."""
        self.epochs_done = epoch
        self.bar.update(
            self.task,
            total=self.epochs * steps,
            completed=epoch * steps + done,
            description=f"epoch {epoch + 1}/{self.epochs}  loss {loss:.3f}",
        )

    def epoch_done(self, record: EpochRecord) -> None:
        """Print what an epoch gave, training beside validation."""
        self.epochs_done = record.epoch
        self.say(
            f"epoch {record.epoch:>3}/{self.epochs}  loss {record.training_loss:.3f}  validation "
            f"{record.validation_loss:.3f}  accuracy {100 * record.training_accuracy:.1f} %  validation "
            f"{100 * record.validation_accuracy:.1f} %  rate {record.learning_rate:.2g}  {record.seconds:.0f} s"
            f"{'  best' if record.best else ''}"
        )
