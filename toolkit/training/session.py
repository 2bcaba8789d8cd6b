"""One call that trains: from data and recipe to a folder with the best model, its history and its pictures."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from device.files import locked, sha256_of, write_together
from toolkit.charts.training_pictures import draw_confusion, draw_learning_curves, draw_samples
from toolkit.data.dataset import Dataset
from toolkit.data.train_split import TrainingData
from toolkit.models.network import FloatNetwork, open_network
from toolkit.results.history import EpochRecord
from toolkit.results.metrics import EvaluationReport, evaluate_predictions
from toolkit.training.devices import data_parallel
from toolkit.training.distillation.teacher_cache import answers_folder
from toolkit.training.distillation.teachers import as_teacher, open_teacher
from toolkit.training.request import BEST_FILE, TrainingRequest, refuse_out, refuse_request, unheeded
from toolkit.training.starting_weights import first_weights
from toolkit.training.tensorboard import TensorBoardLog
from toolkit.training.trainer import Origins, Progress, Trainer
from toolkit.training.training_data import read_training_data

if TYPE_CHECKING:
    from toolkit.training.mlflow_log import MlflowLog

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """The best model's file, its report on the validation faces, and the history."""

    model: Path
    report: EvaluationReport
    history: list[EpochRecord]

    @property
    def best(self) -> EpochRecord:
        """The epoch that was kept."""
        return [record for record in self.history if record.best][-1]


def train(
    request: TrainingRequest,
    progress: Progress | None = None,
    epoch_done: Callable[[EpochRecord], None] | None = None,
) -> TrainingResult:
    """Train as ``request`` says; ``progress`` and ``epoch_done`` are called as training goes on.

    Raises EdgeError for unusable data, options or files, and for a training that diverged.

    >>> train(TrainingRequest(Path("faces"), Path("runs/one"), TrainingRecipe(epochs=20))).report.accuracy
    """
    refuse_request(request)
    for remark in unheeded(request):
        logger.info("%s", remark)
    tracking = open_mlflow(request.mlflow) if request.mlflow else None
    give_first_weights = first_weights(request)
    teachers = [open_teacher(path) for path in request.teachers]
    data = read_training_data(request)
    with data_parallel(request.recipe.with_batch_size(len(data.train)).batch_size):
        trainer = make_trainer(request, data, teachers)
        give_first_weights(trainer.student, trainer.data.train)
        if request.init and not request.resume:
            tell_start(trainer, request.init)
        history = run(trainer, request, tracking, progress, epoch_done)
    return TrainingResult(request.out / BEST_FILE, draw(request, trainer.data.validation, history), history)


def tell_start(trainer: Trainer, init: Path) -> None:
    """Log what the first weights are worth, so that one sees what the training gave."""
    faces = trainer.data.validation
    right = trainer.logits(faces.seen(colour=True)).argmax(axis=1) == faces.labels
    logger.info(
        "starts from %s: %.1f %% of %s validation faces right", init, 100 * right.mean(), f"{len(faces):,}"
    )


def run(
    trainer: Trainer,
    request: TrainingRequest,
    tracking: "MlflowLog | None",
    progress: Progress | None,
    epoch_done: Callable[[EpochRecord], None] | None,
) -> list[EpochRecord]:
    """Train in OUT, which no other training may use meanwhile, and log every epoch; return the history."""
    with contextlib.ExitStack() as open_logs:
        open_logs.enter_context(locked(request.out, wait_s=0.0))
        refuse_out(request)  # another training may have ended there since
        if request.resume:
            trainer.resume()
            logger.info("resumed after epoch %d of %d", len(trainer.history), request.recipe.epochs)
        log = open_logs.enter_context(TensorBoardLog(request.out, len(trainer.history) + 1))
        if tracking:
            told = dataclasses.asdict(trainer.recipe) | request.to_state()
            del told["mlflow"]
            open_logs.enter_context(tracking.running(request.out, told, request.resume))

        def finished(record: EpochRecord) -> None:
            log.write(record)
            if tracking:
                tracking.write(record)
            if epoch_done is not None:
                epoch_done(record)

        history = trainer.run(progress, finished)
        if tracking:
            tracking.keep(request.out / BEST_FILE)
        return history


def open_mlflow(uri: str) -> "MlflowLog":
    """Return the way to MLflow's store; its package is imported only where it is asked for."""
    from toolkit.training.mlflow_log import MlflowLog

    return MlflowLog(uri)


def make_trainer(request: TrainingRequest, data: TrainingData, networks: Sequence[FloatNetwork]) -> Trainer:
    """Return the trainer of ``request``, with ``networks`` as its teachers and what its checkpoints must know again."""
    recipe = request.recipe
    teachers = [as_teacher(network, data.train.classes, recipe.dtype_policy) for network in networks]
    cache = None
    if request.asks_teachers_once:
        parent = request.teacher_cache or request.out / "teacher_cache"
        cache = answers_folder(parent, request.teachers, data.train, recipe)
    origins = Origins(
        init_sha256=sha256_of(request.init) if request.init and not request.resume else None,
        teacher_sha256s=tuple(sha256_of(path) for path in request.teachers),
        request=request.to_state(),
    )
    return Trainer(data, recipe, request.out, teachers, cache, origins)


def draw(request: TrainingRequest, validation: Dataset, history: list[EpochRecord]) -> EvaluationReport:
    """Draw curves, confusion and samples into OUT; return the best model's report on the validation faces."""
    network = open_network(request.out / BEST_FILE)
    probabilities = network.predict(validation.seen(network.colour))
    report = evaluate_predictions(probabilities, validation.labels, validation.classes)
    title = f"validation, n = {report.n:,}, % of each true class"
    faces, classes = validation.seen(colour=True), validation.classes
    pictures: dict[str, str | bytes] = {
        "learning_curves.png": draw_learning_curves(history),
        "confusion.png": draw_confusion(np.array(report.confusion), classes, title),
        "samples.png": draw_samples(faces, validation.labels, probabilities, classes, request.recipe.seed),
    }
    write_together({request.out / name: content for name, content in pictures.items()})
    return report
