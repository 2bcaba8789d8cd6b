"""The faces of a training: the data sets of a request, split, joined, and what is odd about them told."""

import logging
from pathlib import Path

from toolkit.data.label_sources import narrowed
from toolkit.data.readers.loading import load_dataset
from toolkit.data.readers.pictures import mostly_coloured
from toolkit.data.train_split import TrainingData, split_for_training, split_in_words
from toolkit.training.architectures import ARCHITECTURES
from toolkit.training.joining import join
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest

logger = logging.getLogger(__name__)


def read_training_data(request: TrainingRequest) -> TrainingData:
    """Return the faces to learn from and those that choose the epoch; what is odd about them is logged."""
    colour = may_see_colour(request)
    data = read_one(request.data, request.recipe, request.classes, colour=colour)
    if not request.more_data:
        return data
    further = [read_one(one.path, request.recipe, request.classes, True, colour) for one in request.more_data]
    joined = join(data, further, [one.share for one in request.more_data], request.recipe.class_balance)
    logger.info("together: %s", split_in_words(joined))
    return joined


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
    logger.info("%s", split_in_words(data))
    return data
