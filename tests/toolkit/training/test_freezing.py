"""The frozen phase and fine-tuning: what learns when, at which rate, and a resume across the boundary."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from device.errors import EdgeError
from toolkit.data.synthesis import load_synthetic
from toolkit.data.train_split import split_for_training
from toolkit.models.keras_file import read_keras_metadata
from toolkit.results.history import EpochRecord
from toolkit.training.checkpoint import load_checkpoint
from toolkit.training.learning_rate import phase_of
from toolkit.training.recipe import TrainingRecipe, make_recipe
from toolkit.training.student import Student
from toolkit.training.trainer import Trainer

pytestmark = pytest.mark.toolkit
RECIPE = TrainingRecipe(
    arch="fully-connected",
    epochs=5,
    freeze_epochs=2,
    batch_size=64,
    learning_rate=0.05,
    augmentation=0.0,
    dtype_policy="float32",
)


def test_each_phase_has_its_own_cycle_of_the_learning_rate():
    recipe = TrainingRecipe(
        epochs=10, freeze_epochs=4, learning_rate=0.2, batch_size=64, fine_tune_factor=0.1, warmup_share=0.5
    )
    head, tuning = phase_of(3, recipe), phase_of(4, recipe)
    assert (head.frozen, head.start, head.stop) == (True, 0, 4)
    assert (tuning.frozen, tuning.start, tuning.stop) == (False, 4, 10)
    assert head.learning_rate(2.0) == pytest.approx(0.1)
    assert head.learning_rate(4.0) == pytest.approx(0, abs=1e-9)
    assert tuning.learning_rate(4.0) == pytest.approx(0.04 * 0.01)
    assert tuning.learning_rate(7.0) == pytest.approx(0.01)
    assert tuning.learning_rate(10.0) == pytest.approx(0, abs=1e-9)


def test_without_frozen_epochs_there_is_one_phase_at_the_full_rate():
    recipe = TrainingRecipe(epochs=10, learning_rate=0.2, warmup_share=0.5)
    assert phase_of(0, recipe) == phase_of(9, recipe)
    assert phase_of(0, recipe).learning_rate(5.0) == pytest.approx(0.2)


def test_a_backbone_may_stay_frozen_to_the_end():
    recipe = TrainingRecipe(epochs=3, freeze_epochs=8)
    assert phase_of(2, recipe).frozen
    assert phase_of(2, recipe).stop == 3


def test_imagenet_weights_bring_their_own_defaults_unless_told_otherwise():
    recipe = make_recipe({}, {"arch": "vgg16"})
    assert (recipe.weights, recipe.freeze_epochs, recipe.epochs, recipe.learning_rate) == (
        "imagenet",
        5,
        30,
        0.02,
    )
    random = make_recipe({}, {"arch": "vgg16", "weights": "none"})
    assert random == TrainingRecipe(arch="vgg16")
    told = make_recipe({"arch": "resnet50v2", "weights": "mine.h5", "freeze_epochs": 3}, {"epochs": 9})
    assert (told.weights, told.freeze_epochs, told.epochs, told.learning_rate) == ("mine.h5", 3, 9, 0.02)
    assert make_recipe({}, {"arch": "compact"}) == TrainingRecipe(arch="compact")


def test_a_frozen_backbone_keeps_weights_and_statistics_and_then_learns_both():
    whole = Student(TrainingRecipe(**{**vars(RECIPE), "arch": "mini-xception"}), 7, 10)
    student = whole.model
    faces = np.random.default_rng(0).integers(0, 256, (16, 48, 48, 1)).astype(np.float32)
    targets = [np.eye(7, dtype=np.float32)[np.arange(16) % 7], np.full((16, 10), 0.1, np.float32)]

    def changed_by_a_step():
        before = {weight.path: np.array(weight) for weight in student.weights}
        student.train_on_batch(faces, targets)
        return {weight.path for weight in student.weights if not np.array_equal(before[weight.path], weight)}

    heads = {"logits/kernel", "logits/bias", "votes/kernel", "votes/bias"}
    statistics = {weight.path for weight in student.weights if "moving" in weight.path}
    assert len(statistics) == 28
    for frozen in (True, False):
        whole.set_frozen(frozen)
        changed = changed_by_a_step()
        assert heads - {"votes/bias"} <= changed
        assert changed <= heads if frozen else changed >= statistics | {"stem1_conv/kernel"}


def train(folder, recipe, stop_after=None, resume=False):
    """Train on the synthetic faces and return the variables at the end and the history."""
    trainer = Trainer(split_for_training(load_synthetic(), recipe.split_choice), recipe, folder, [])
    if resume:
        trainer.resume()

    def epoch_done(record):
        if record.epoch == stop_after:
            raise KeyboardInterrupt

    folder.mkdir(exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):
        trainer.run(None, epoch_done)
    return load_checkpoint(folder)[0]["variables"], trainer.history


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_training_killed_around_the_boundary_ends_as_an_unkilled_one(whole, tmp_path, stop_after):
    train(tmp_path, RECIPE, stop_after)
    variables, history = train(tmp_path, RECIPE, resume=True)
    assert [record.epoch for record in history] == [1, 2, 3, 4, 5]
    for one, two in zip(whole[1], history, strict=True):
        assert two.learning_rate == one.learning_rate
        assert two.loss == pytest.approx(one.loss, rel=1e-5)
    for one, two in zip(whole[0], variables, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"), RECIPE)


def test_patience_is_counted_in_the_last_phase_only(tmp_path):
    recipe = TrainingRecipe(**{**vars(RECIPE), "epochs": 9, "freeze_epochs": 4, "patience": 2})
    trainer = Trainer(split_for_training(load_synthetic(), recipe.split_choice), recipe, tmp_path, [])
    trainer.history = [EpochRecord(1, 1.0, 1.0, 0.5, 0.1, 1.0, 1.0, best=True)]
    assert [trainer.is_out_of_patience(epoch) for epoch in range(8)] == 6 * [False] + 2 * [True]


@pytest.mark.parametrize("start_from_epoch", [0, 3])
def test_the_first_epochs_are_not_chosen_where_the_recipe_leaves_them_out(start_from_epoch, tmp_path):
    recipe = replace(RECIPE, epochs=4, freeze_epochs=0, start_from_epoch=start_from_epoch)
    trainer = Trainer(split_for_training(load_synthetic(), recipe.split_choice), recipe, tmp_path, [])
    # No epoch after the first can be better.
    trainer.history = [EpochRecord(1, 1.0, 0.0, 1.0, 0.1, 1.0, 1.0, best=True)]
    history = trainer.run()
    assert [record.best for record in history] == [True, False, False, start_from_epoch == 3]
    if start_from_epoch:
        assert read_keras_metadata(tmp_path / "best.keras")["training"]["epoch"] == 4


def test_patience_begins_with_the_epochs_that_may_be_chosen(tmp_path):
    recipe = replace(RECIPE, epochs=9, freeze_epochs=0, patience=2, start_from_epoch=4)
    trainer = Trainer(split_for_training(load_synthetic(), recipe.split_choice), recipe, tmp_path, [])
    trainer.history = [EpochRecord(1, 1.0, 1.0, 0.5, 0.1, 1.0, 1.0, best=True)]
    assert [trainer.is_out_of_patience(epoch) for epoch in range(8)] == 6 * [False] + 2 * [True]


def test_a_recipe_that_leaves_no_epoch_to_choose_is_refused():
    with pytest.raises(EdgeError, match="start_from_epoch 5 of 5 epochs leaves none to choose"):
        replace(RECIPE, start_from_epoch=5)
