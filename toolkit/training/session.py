"""One call that trains: from data and recipe to a folder with the best model, its history and its pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from device.errors import EdgeError, UsageError
from device.files import locked, sha256_of
from toolkit.charts.training_pictures import draw_confusion, draw_learning_curves, draw_samples
from toolkit.data.dataset import Dataset
from toolkit.data.loading import load_dataset, narrowed
from toolkit.data.train_split import describe, prepare_data
from toolkit.models.keras_file import load_keras_model, read_keras_metadata
from toolkit.models.predictors import load_predictor
from toolkit.outputs import refuse_folder, refuse_input
from toolkit.results.history import EpochRecord
from toolkit.results.metrics import EvaluationReport, evaluate_predictions
from toolkit.training.architectures import get_architecture, load_pretrained
from toolkit.training.checkpoint import FILE_NAME as CHECKPOINT_FILE
from toolkit.training.distillation.teacher_cache import answers_folder
from toolkit.training.distillation.teachers import load_teacher
from toolkit.training.pruning import can_prune, prune_into
from toolkit.training.recipe import RANDOM_WEIGHTS, TrainingRecipe
from toolkit.training.renormalization import renormalize
from toolkit.training.student import start_from, start_from_backbone
from toolkit.training.tensorboard import TensorBoardLog
from toolkit.training.trainer import BEST_FILE, Progress, Trainer


@dataclass(frozen=True)
class TrainingRequest:
    """What to train, on what, and where; ``init`` gives the first weights, ``resume`` goes on
    in ``out``, ``overwrite`` starts anew there; teachers' answers are kept in ``answers``, or OUT/answers."""

    data: Path
    out: Path
    recipe: TrainingRecipe
    classes: tuple[str, ...] | None = None
    teachers: tuple[Path, ...] = ()
    init: Path | None = None
    resume: bool = False
    overwrite: bool = False
    answers: Path | None = None


@dataclass(frozen=True)
class TrainingResult:
    """The best model's file, its report on the validation faces, and the history."""

    model: Path
    report: EvaluationReport
    history: list[EpochRecord]


def train(
    request: TrainingRequest,
    say: Callable[[str], None],
    progress: Progress,
    epoch_done: Callable[[EpochRecord], None],
) -> TrainingResult:
    """Train as ``request`` says. ``say`` gets lines for the user, the other two are called as training goes on.

    Raises EdgeError for unusable data, options or files, and for a loss that is no longer a number.
    """
    refuse_out(request)
    if request.answers and not asks_once(request):
        raise UsageError(
            "--answers keeps what teachers say of views; expected --teacher, and views in the --recipe, received "
            f"{len(request.teachers)} teachers and views {request.recipe.views}; add them or leave --answers out"
        )
    give_first_weights = first_weights(request, say)
    whole = load_dataset(request.data)
    for remark in narrowed(whole, request.classes, request.recipe.label_source).remarks():
        say(remark)
    data = prepare_data(whole, request.recipe.split_choice, request.classes)
    say(describe(data))
    teachers = [
        load_teacher(path, data.train.classes, request.recipe.dtype_policy) for path in request.teachers
    ]
    answers = None
    if asks_once(request):
        parent = request.answers or request.out / "answers"
        answers = answers_folder(parent, request.teachers, data.train, request.recipe)
    init_sha256 = sha256_of(request.init) if request.init and not request.resume else None
    teacher_sha256s = tuple(sha256_of(path) for path in request.teachers)
    trainer = Trainer(data, request.recipe, request.out, teachers, answers, init_sha256, teacher_sha256s)
    give_first_weights(trainer.student, data.train)
    request.out.mkdir(parents=True, exist_ok=True)
    if request.resume:
        trainer.resume()
        say(f"resumed after epoch {len(trainer.history)} of {request.recipe.epochs}")
    with locked(request.out, wait_s=0.0), TensorBoardLog(request.out, len(trainer.history) + 1) as log:

        def finished(record: EpochRecord) -> None:
            log.write(record)
            epoch_done(record)

        history = trainer.run(progress, finished)
    model = request.out / BEST_FILE
    draw_learning_curves(history, request.out / "learning_curves.png")
    validation = data.validation
    probabilities = load_predictor(model).predict(validation.images)
    report = evaluate_predictions(probabilities, validation.labels, validation.classes)
    title = f"validation, n = {report.n:,}, % of each true class"
    draw_confusion(np.array(report.confusion), validation.classes, request.out / "confusion.png", title)
    draw_samples(
        validation.images,
        validation.labels,
        probabilities,
        validation.classes,
        request.out / "samples.png",
        request.recipe.seed,
    )
    return TrainingResult(model, report, history)


def refuse_out(request: TrainingRequest) -> None:
    """Raise EdgeError if ``out`` cannot be written, holds what would be lost or is read, or not what is resumed."""
    refuse_folder(request.out)
    has_checkpoint = (request.out / CHECKPOINT_FILE).exists()
    if request.resume and not has_checkpoint:
        raise EdgeError(f"nothing to resume in {request.out}: no {CHECKPOINT_FILE}; train without --resume")
    if request.resume:
        return
    refuse_input(request.out / BEST_FILE, (request.init, *request.teachers))
    if request.overwrite:
        return
    if has_checkpoint:
        raise EdgeError(
            f"{request.out} holds a training already; pass --resume to go on, or --overwrite to start anew"
        )
    if (request.out / BEST_FILE).exists():
        raise EdgeError(
            f"{request.out} holds a {BEST_FILE} already, without the {CHECKPOINT_FILE} to go on with; "
            "choose another --out, or pass --overwrite to replace it"
        )


def asks_once(request: TrainingRequest) -> bool:
    """Return whether views come again and teachers' answers with them."""
    return bool(request.teachers and request.recipe.views)


def first_weights(
    request: TrainingRequest, say: Callable[[str], None]
) -> Callable[[keras.Model, Dataset], None]:
    """Return what gives a student, with its training faces, the weights that ``request`` starts from.

    Files are read at once: a wrong one is told before the data is read.
    """
    backbone = None if request.resume else load_backbone(request, say)
    init = None if request.resume else request.init
    trained = load_keras_model(init) if init else None

    def give(student: keras.Model, train: Dataset) -> None:
        if backbone is not None:
            start_from_backbone(student, backbone)
            renormalize(student, train.images)
        if init is None or trained is None:
            return
        columns = logit_columns(init, train.classes)
        if can_prune(trained, student):
            say(f"pruning the channels of {init} to those of {request.recipe.arch}, a minute or two")
            prune_into(student, trained, train.images, columns)
        else:
            start_from(student, trained, columns)

    return give


def logit_columns(path: Path, classes: tuple[str, ...]) -> list[int]:
    """Return which logits of the model at ``path`` are those of ``classes``; none unless it knows them all."""
    labels = (read_keras_metadata(path) or {}).get("labels", [])
    return [labels.index(name) for name in classes] if set(classes) <= set(labels) else []


def load_backbone(request: TrainingRequest, say: Callable[[str], None]) -> keras.Model | None:
    """Return the network with published weights that the recipe starts from, or None for random or ``init`` weights."""
    architecture = get_architecture(request.recipe.arch)
    weights = request.recipe.weights
    if weights == RANDOM_WEIGHTS:
        return None
    if request.init is not None:
        raise UsageError(f"--init and --weights {weights} both give the first weights; leave one of them out")
    backbone = load_pretrained(architecture, weights)
    say(f"the backbone starts from the weights {weights}, frozen for {request.recipe.freeze_epochs} epochs")
    return backbone
