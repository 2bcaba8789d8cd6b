"""Right on few faces: statistics of the averaged weights, a warm-up worth the name, and a word when it goes wrong."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from device.errors import EdgeError
from toolkit.data.synthesis import load_synthetic
from toolkit.data.train_split import split_for_training
from toolkit.results.history import EpochRecord
from toolkit.training.averaging import carrying
from toolkit.training.divergence import Chance, refuse_diverged
from toolkit.training.learning_rate import LONGEST_WARMUP, WARMUP_STEPS, phase_of, plateaus, rate_share
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.renormalization import reestimate_statistics
from toolkit.training.student import Student
from toolkit.training.trainer import Trainer

pytestmark = pytest.mark.toolkit
FACES = load_synthetic().images[::7][:64, ..., None].astype(np.float32)


def test_statistics_that_are_far_off_are_those_of_the_faces_again():
    student = Student(TrainingRecipe(arch="mini-xception", dtype_policy="float32"), 7)
    wanted = keras.ops.convert_to_numpy(student.model(FACES, training=True))
    for layer in student.model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(keras.ops.full(layer.moving_mean.shape, 7.0))
            layer.moving_variance.assign(keras.ops.full(layer.moving_variance.shape, 1e-4))
    off = student.model.predict_on_batch(FACES)
    momentum = [getattr(layer, "momentum", None) for layer in student.model.layers]
    reestimate_statistics(student.model, [FACES, FACES])
    got = student.model.predict_on_batch(FACES)
    assert np.abs(off - wanted).max() > 10 * np.abs(got - wanted).max()
    assert [getattr(layer, "momentum", None) for layer in student.model.layers] == momentum


def test_the_trained_weights_and_statistics_come_back_after_measuring(tmp_path):
    recipe = TrainingRecipe(arch="mini-xception", epochs=1, dtype_policy="float32")
    trainer = Trainer(split_for_training(load_synthetic(), recipe.split_choice), recipe, tmp_path, [])
    before = [keras.ops.convert_to_numpy(variable) for variable in trainer.student.model.variables]
    with trainer.averaged():
        inside = trainer.student.model.get_weights()
    after = [keras.ops.convert_to_numpy(variable) for variable in trainer.student.model.variables]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    assert any(
        not np.array_equal(*pair) for pair in zip(inside, trainer.student.model.get_weights(), strict=True)
    )


def test_weights_come_back_where_the_statistics_cannot_be_estimated():
    model = Student(TrainingRecipe(arch="mini-xception", dtype_policy="float32"), 7).model
    before = model.get_weights()
    zeros = [np.zeros_like(weight) for weight in before]
    with pytest.raises(ValueError, match="shape"), carrying(model, zeros, [FACES, FACES[..., 0, 0]]):
        pass
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_a_warm_up_has_fifty_steps_or_more_but_never_most_of_a_training():
    recipe = TrainingRecipe(epochs=20, warmup_share=0.1)
    assert phase_of(0, recipe, 5).warmup_share == LONGEST_WARMUP
    assert phase_of(0, recipe, 10).warmup_share == pytest.approx(WARMUP_STEPS / 200)
    assert phase_of(0, recipe, 200).warmup_share == 0.1
    assert phase_of(0, replace(recipe, warmup_share=0.0), 5).warmup_share == 0.0


def test_gradients_are_clipped_together():
    assert Student(TrainingRecipe(arch="fully-connected"), 4).model.optimizer.global_clipnorm == 5
    assert (
        Student(TrainingRecipe(arch="fully-connected", clip_norm=0.0), 4).model.optimizer.global_clipnorm
        is None
    )


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [1, 1, 1, 1]),
        ("step", [1, 0.1, 0.01, 0.01]),
        ("cosine", [0.85, 0.5, 0.15, 0.02]),
        ("one-cycle", [0.85, 0.5, 0.15, 0.02]),
    ],
)
def test_every_schedule_falls_as_its_name_says(schedule, rates):
    assert [rate_share(schedule, share, 0.0) for share in (0.25, 0.5, 0.75, 0.9)] == pytest.approx(
        rates, abs=0.01
    )


def test_a_plateau_is_four_epochs_without_a_better_one():
    better, worse = True, False
    assert plateaus([better, worse, worse, worse]) == 0
    assert plateaus([better, worse, worse, worse, worse, better]) == 1
    assert plateaus([better, *8 * [worse]]) == 2


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_optimizer_learns(optimizer):
    keras.utils.set_random_seed(0)
    recipe = TrainingRecipe(
        arch="fully-connected", optimizer=optimizer, learning_rate=0.05, dtype_policy="float32"
    )
    student = Student(recipe.with_batch_size(64), 2)
    targets = np.eye(2, dtype=np.float32)[
        (FACES.mean(axis=(1, 2, 3)) > np.median(FACES.mean(axis=(1, 2, 3)))).astype(int)
    ]
    losses = [
        float(student.model.train_on_batch(FACES, targets, return_dict=True)["loss"]) for _ in range(25)
    ]
    assert losses[-1] < 0.8 * losses[0]


def record(**values):
    told = {"epoch": 2, "loss": 1.0, "validation_loss": 1.5, "validation_accuracy": 0.4, "learning_rate": 0.1}
    told |= {
        "seconds": 1.0,
        "temperature": 1.0,
        "best": False,
        "training_loss": 1.0,
        "training_accuracy": 0.6,
    }
    return EpochRecord(**(told | values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"loss": math.nan}, "the loss became nan in epoch 2"),
        ({"validation_loss": math.inf}, "the weights overflowed"),
        ({"loss": 40.0}, "the loss is 40, guessing has 1.95"),
        (
            {"validation_loss": 2532.0},
            "the validation loss is 2.53e\\+03, guessing has 1.95 and the training faces 1",
        ),
    ],
)
def test_a_training_that_went_wrong_stops_with_what_to_do(values, words):
    recipe = TrainingRecipe(arch="mini-xception")
    chance = Chance(7, recipe, taught=False, votes=False)
    refuse_diverged(record(validation_loss=8.0), [], chance, Path("runs/one"), recipe)
    with pytest.raises(EdgeError, match=words) as raised:
        refuse_diverged(record(**values), [record()], chance, Path("runs/one"), recipe)
    assert "keeps the last good checkpoint; train again with a lower `learning_rate` than 0.1" in str(
        raised.value
    )
    assert "`init=models/compact.keras`" in str(raised.value)


def test_a_fixed_sample_of_clean_faces_stands_beside_validation(tmp_path):
    recipe = TrainingRecipe(arch="fully-connected", epochs=2, dtype_policy="float32", augmentation=1.0)
    trainer = Trainer(split_for_training(load_synthetic(), recipe.split_choice), recipe, tmp_path, [])
    history = trainer.run()
    with trainer.averaged():
        named = trainer.logits(trainer.clean.images).argmax(axis=1)
    assert history[-1].training_accuracy == pytest.approx((named == trainer.clean.labels).mean(), abs=0.02)
    assert (
        (tmp_path / "history.csv")
        .read_text()
        .splitlines()[0]
        .endswith("best,training_loss,training_accuracy")
    )
