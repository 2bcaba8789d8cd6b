"""One call that trains: from data and recipe to a folder with the best model, its history and its pictures."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from device.errors import UsageError
from device.files import folder_for, locked, sha256_of
from device.text import did_you_mean
from toolkit.charts.training_pictures import draw_confusion, draw_learning_curves, draw_samples
from toolkit.data.dataset import Dataset
from toolkit.data.joining import join
from toolkit.data.label_sources import narrowed
from toolkit.data.readers.loading import load_dataset
from toolkit.data.readers.pictures import mostly_coloured
from toolkit.data.train_split import TrainingData, describe, split_for_training
from toolkit.models.keras_file import load_keras_model, read_keras_metadata
from toolkit.results.history import EpochRecord
from toolkit.results.metrics import EvaluationReport, evaluate_predictions
from toolkit.training.architectures import ARCHITECTURES, load_pretrained
from toolkit.training.batches import pixels
from toolkit.training.devices import data_parallel
from toolkit.training.distillation.teacher_cache import answers_folder
from toolkit.training.distillation.teachers import as_teacher
from toolkit.training.pruning import can_prune, prune_into
from toolkit.training.recipe import RANDOM_WEIGHTS, TrainingRecipe
from toolkit.training.renormalization import renormalize
from toolkit.training.request import BEST_FILE, TrainingRequest, refuse_out, refuse_request, unheeded
from toolkit.training.student import Student, fitted
from toolkit.training.tensorboard import TensorBoardLog
from toolkit.training.trainer import Origins, Progress, Trainer

if TYPE_CHECKING:
    from toolkit.training.mlflow_log import MlflowLog

BATCH = 256
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
    teachers = [load_keras_model(path) for path in request.teachers]
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
        open_logs.enter_context(folder_for(request.out))
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


def read_training_data(request: TrainingRequest) -> TrainingData:
    """Return the faces to learn from and those that choose the epoch; what is odd about them is logged."""
    colour = may_see_colour(request)
    data = read_one(request.data, request.recipe, request.classes, colour=colour)
    if not request.more_data:
        return data
    further = [read_one(one.path, request.recipe, request.classes, True, colour) for one in request.more_data]
    return join(data, further, [one.share for one in request.more_data], request.recipe.class_balance)


def may_see_colour(request: TrainingRequest) -> bool:
    """Return whether colours are read: most pictures have some, and the network has three channels, or may have: what a
    file builds is known once there are classes."""
    recipe = request.recipe
    has_three = recipe.channels == 3 or (not recipe.channels and recipe.arch not in ARCHITECTURES)
    return has_three and mostly_coloured(request.data)


def read_one(
    path: Path,
    recipe: TrainingRecipe,
    classes: tuple[str, ...] | None,
    some: bool = False,
    colour: bool = False,
) -> TrainingData:
    """Return the faces of one data set, with ``colour`` in colours too; with ``some``, of those of ``classes`` that it
    has."""
    whole = load_dataset(path, colour=colour)
    if some and classes is not None:
        classes = tuple(name for name in classes if name in whole.classes)
    for remark in narrowed(whole, classes, recipe.label_source).remarks():
        logger.info("%s", remark)
    data = split_for_training(whole, recipe.split_choice, classes)
    share = recipe.validation_share
    if share != TrainingRecipe.validation_share and not recipe.split_choice.holds_out(whole):
        logger.info(
            "%s has a validation split of its own: `validation_share` %g does nothing without `hold_out`",
            path,
            share,
        )
    logger.info("%s", describe(data))
    return data


def make_trainer(request: TrainingRequest, data: TrainingData, models: Sequence[keras.Model]) -> Trainer:
    """Return the trainer of ``request``, with ``models`` as its teachers and what its checkpoints must know again."""
    recipe = request.recipe
    teachers = [
        as_teacher(model, path, data.train.classes, recipe.dtype_policy)
        for model, path in zip(models, request.teachers, strict=True)
    ]
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
    model = load_keras_model(request.out / BEST_FILE)
    probabilities = answers(model, validation.seen(colour=True))
    report = evaluate_predictions(probabilities, validation.labels, validation.classes)
    draw_learning_curves(history, request.out / "learning_curves.png")
    title = f"validation, n = {report.n:,}, % of each true class"
    draw_confusion(np.array(report.confusion), validation.classes, request.out / "confusion.png", title)
    samples = request.out / "samples.png"
    draw_samples(
        validation.seen(colour=True),
        validation.labels,
        probabilities,
        validation.classes,
        samples,
        request.recipe.seed,
    )
    return report


def answers(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the (N, C) float32 probabilities of (N, 48, 48[, 3]) uint8 faces, a batch in memory at a time."""
    shape = model.input_shape[1:]
    parts = [
        model.predict_on_batch(fitted(pixels(images[start : start + BATCH]), shape))
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def first_weights(request: TrainingRequest) -> Callable[[Student, Dataset], None]:
    """Return what gives a student, with its training faces, the weights that ``request`` starts from.

    Files are read at once: a wrong one is told before the data is read.
    """
    backbone = None if request.resume else load_backbone(request)
    init = None if request.resume else request.init
    trained = load_keras_model(init) if init else None

    def give(student: Student, train: Dataset) -> None:
        if backbone is not None:
            student.start_from_backbone(backbone)
            renormalize(student.body, train.seen(colour=True))
        if init is None or trained is None:
            return
        columns = logit_columns(init, train.classes)
        if can_prune(trained, student.body):
            logger.info(
                "pruning the channels of %s to those of %s, a minute or two", init, request.recipe.arch
            )
            prune_into(student.body, trained, train.seen(colour=True), columns)
        else:
            student.start_from(trained, columns)

    return give


def logit_columns(path: Path, classes: tuple[str, ...]) -> list[int]:
    """Return which logits of the model at ``path`` are those of ``classes``; none, which is logged, unless it knows
    them all."""
    labels = (read_keras_metadata(path) or {}).get("labels", [])
    missing = [name for name in classes if name not in labels]
    if labels and missing:
        logger.warning(
            "%s knows no class '%s'; %sit knows %s: its last layer begins anew",
            path,
            missing[0],
            did_you_mean(missing[0], labels),
            ", ".join(labels),
        )
    return [] if missing else [labels.index(name) for name in classes]


def load_backbone(request: TrainingRequest) -> keras.Model | None:
    """Return the network with published weights that the recipe starts from, or None for random or ``init`` weights."""
    weights = request.recipe.weights
    if weights == RANDOM_WEIGHTS:
        return None
    if request.init is not None:
        raise UsageError(f"`init` and `weights` {weights} both give the first weights; leave one of them out")
    backbone = load_pretrained(request.recipe.arch, weights)
    logger.info(
        "the backbone starts from the weights %s, frozen for %d epochs", weights, request.recipe.freeze_epochs
    )
    return backbone
