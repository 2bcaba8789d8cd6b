"""The weights that a training starts from: random, published, or those of a trained model, pruned where it is wider."""

import logging
from collections.abc import Callable
from pathlib import Path

import keras

from device.errors import UsageError
from device.text import did_you_mean
from toolkit.data.dataset import Dataset
from toolkit.models.keras_file import load_keras_model, read_keras_metadata
from toolkit.models.network import stored_labels
from toolkit.training.architectures import load_pretrained
from toolkit.training.pruning import can_prune, prune_into
from toolkit.training.recipe import RANDOM_WEIGHTS
from toolkit.training.renormalization import renormalize
from toolkit.training.request import TrainingRequest
from toolkit.training.student import Student

logger = logging.getLogger(__name__)


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
    """Return which logits of the model at ``path`` are those of ``classes``; none, which is logged, unless its file
    names them all: an order that is guessed would teach it wrong names first."""
    labels = stored_labels(path, read_keras_metadata(path) or {})
    missing = [name for name in classes if name not in labels]
    if not labels:
        logger.warning(
            "%s names no classes: its last layer begins anew; to keep that, save the model with the names of its "
            "outputs in their order, save_model(model, 'named.keras', {'labels': [...]}) of toolkit.models.keras_file",
            path,
        )
    elif missing:
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
