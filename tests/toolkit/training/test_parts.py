"""The parts of a training that need no network: schedule, batches, averages, temperature, recipe."""

import itertools

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.train_split import split_for_training
from toolkit.training.augmentation import CAMERA_FAULTS, augment_face, turn_and_shift
from toolkit.training.averaging import WeightAverage
from toolkit.training.batches import BatchMaker, vote_shares
from toolkit.training.joining import by_class_size
from toolkit.training.learning_rate import rate_share
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.temperature import fit_temperature, top_probabilities

from .conftest import make_dataset


def test_learning_rate_rises_to_the_peak_and_falls_to_zero():
    rates = [0.1 * rate_share("one-cycle", share, 0.15) for share in np.linspace(0, 1, 101)]
    assert rates[0] == pytest.approx(0.004)
    assert np.argmax(rates) == 15
    assert max(rates) == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[15:]))


def test_learning_rate_without_warmup_starts_at_the_peak():
    assert rate_share("one-cycle", 0, 0.0) == pytest.approx(1)


def test_batches_of_an_epoch_repeat_exactly_and_differ_between_epochs():
    maker = BatchMaker(make_dataset(votes=True), TrainingRecipe(batch_size=10, mixup_alpha=0.2))
    first, again, other = (list(maker.epoch(epoch)) for epoch in (0, 0, 1))
    assert len(first) == 6
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.images, two.images)
        np.testing.assert_array_equal(one.targets, two.targets)
        np.testing.assert_array_equal(one.votes, two.votes)
    assert not np.array_equal(first[0].images, other[0].images)


def by_face(batches):
    """Return each face's image, unmirrored: of the two the one that comes first as bytes."""
    images = {row: image for batch in batches for row, image in zip(batch.rows, batch.images, strict=True)}
    return {row: min(image.tobytes(), image[:, ::-1].tobytes()) for row, image in images.items()}


def test_views_come_again_in_another_order_and_mirrored_or_not():
    maker = BatchMaker(make_dataset(), TrainingRecipe(batch_size=10, views=2))
    first, second, third = (list(maker.epoch(epoch)) for epoch in (0, 1, 2))
    assert by_face(first) == by_face(third)
    assert not set(by_face(first).values()) & set(by_face(second).values())
    assert not np.array_equal(first[0].rows, third[0].rows)
    images = [np.concatenate([batch.images for batch in epoch]) for epoch in (first, third)]
    rows = [np.concatenate([batch.rows for batch in epoch]) for epoch in (first, third)]
    same = (images[0][np.argsort(rows[0])] == images[1][np.argsort(rows[1])]).all(axis=(1, 2, 3))
    assert 15 < same.sum() < 45  # of 60: half of them


def test_views_from_another_first_one_are_others_until_the_numbers_meet():
    views = [
        by_face(
            BatchMaker(make_dataset(), TrainingRecipe(batch_size=10, views=2, first_view=first)).epoch(epoch)
        )
        for first, epoch in ((0, 0), (0, 1), (1, 0), (2, 0))
    ]
    assert views[1] == views[2]
    assert not set(views[3].values()) & (set(views[0].values()) | set(views[1].values()))


def test_a_first_view_without_views_is_refused():
    with pytest.raises(EdgeError, match="first_view 6 numbers no views"):
        TrainingRecipe(first_view=6)


def test_views_and_mixup_exclude_each_other():
    with pytest.raises(EdgeError, match="exclude each other"):
        TrainingRecipe(views=4, mixup_alpha=0.2)


def test_unaugmented_epoch_shows_every_face_once_with_its_smoothed_label():
    dataset = make_dataset()
    maker = BatchMaker(dataset, TrainingRecipe(batch_size=20, augmentation=0.0, label_smoothing=0.3))
    seen = {}
    for batch in maker.epoch(3):
        assert batch.images.shape == (20, 48, 48, 1)
        for image, target in zip(batch.images, batch.targets, strict=True):
            seen[image.astype(np.uint8).tobytes()] = target
    assert len(seen) == len(dataset)
    for image, label in zip(dataset.images, dataset.labels, strict=True):
        expected = np.full(3, 0.1)
        expected[label] = 0.8
        np.testing.assert_allclose(seen[image.tobytes()], expected, atol=1e-6)


def test_augmentation_keeps_shape_and_type_and_changes_the_face():
    face = make_dataset().images[0]
    rng = np.random.default_rng(1)
    changed = [augment_face(face, rng) for _ in range(50)] + [fault(face, rng) for fault in CAMERA_FAULTS]
    for result in changed:
        assert result.shape == (48, 48)
        assert result.dtype == np.uint8
        assert not np.array_equal(result, face)
    assert not np.shares_memory(changed[0], face)


def test_strength_nothing_mirrors_and_no_more():
    face = make_dataset().images[0]
    rng = np.random.default_rng(2)
    changed = [augment_face(face, rng, strength=0.0) for _ in range(40)]
    mirrored = sum(np.array_equal(result, face[:, ::-1]) for result in changed)
    assert mirrored + sum(np.array_equal(result, face) for result in changed) == 40
    assert 10 < mirrored < 30


def test_a_face_is_turned_about_its_centre_and_shifted_as_far_as_said():
    """A dot in the middle moves by the shift alone; one beside it shows turn and scale."""
    reach, angles, scales, mirrored = [], [], [], 0
    rng = np.random.default_rng(3)
    for _ in range(300):
        places = []
        state = rng.bit_generator.state
        for column in (24, 34):
            dot = np.zeros((48, 48), np.uint8)
            dot[22:26, column - 2 : column + 2] = 255
            rng.bit_generator.state = state
            moments = cv2.moments(turn_and_shift(dot, rng, 1.0))
            places.append(np.array([moments["m10"], moments["m01"]]) / moments["m00"])
        side = places[1] - places[0]
        mirrored += side[0] < 0
        reach.append(np.abs(places[0] - 23.5).max())
        angles.append(abs(np.degrees(np.arctan2(side[1], abs(side[0])))))
        scales.append(np.linalg.norm(side) / 10)
    assert 0.10 * 48 < max(reach) < 0.14 * 48
    assert 13 < max(angles) < 17
    assert 0.83 < min(scales) < 0.9
    assert 1.1 < max(scales) < 1.17
    assert 110 < mirrored < 190


def test_class_balance_evens_the_classes_out():
    labels = np.array([0] * 90 + [1] * 10)
    full = by_class_size(labels, 1.0)
    assert full[labels == 1].sum() == pytest.approx(0.5)
    half = by_class_size(labels, 0.5)
    assert half[labels == 1].sum() == pytest.approx(np.sqrt(10) / (np.sqrt(10) + np.sqrt(90)))


def test_vote_shares_sum_to_one_and_faces_without_votes_have_none():
    votes = np.zeros((2, 10), np.uint8)
    votes[0, [1, 4]] = (7, 3)
    shares = vote_shares(votes)
    assert shares[0, 1] == pytest.approx(0.7)
    assert shares[0, 4] == pytest.approx(0.3)
    assert shares[1].tolist() == [0] * 10


def test_a_weight_that_is_one_number_is_averaged_and_goes_on():
    average = WeightAverage([np.float32(0)], memory_steps=80)
    average.update([np.float32(3)])
    assert average.weights == [3]
    average.go_on([np.float32(5)], updates=2)
    assert (average.weights, average.updates) == ([5], 2)


def test_weight_average_follows_a_constant_exactly_and_a_step_gradually():
    average = WeightAverage([np.zeros(2, np.float32)], memory_steps=80)
    for _ in range(500):
        average.update([np.ones(2, np.float32)])
    np.testing.assert_allclose(average.weights[0], 1, atol=1e-4)
    average.update([np.full(2, 12, np.float32)])
    np.testing.assert_allclose(average.weights[0], 2, atol=1e-3)  # a memory of 10 updates: 1/11 of the way


def test_temperature_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 5))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (shares.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert fit_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.05)


def test_confidence_comes_to_equal_accuracy_even_where_unlikely_classes_are_given_too_much():
    """A network too sure of its first class and not sure enough that the last ones are wrong."""
    rng = np.random.default_rng(0)
    logits = np.sort(rng.normal(0, 2, (20_000, 5)))[:, ::-1]
    truth = logits * [1, 1, 2, 2, 2] + [-0.3, 0, -2, -2, -2]
    shares = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    labels = (shares.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    accuracy = np.mean(labels == 0)
    confidence = top_probabilities(logits / fit_temperature(logits, labels)).mean()
    assert confidence == pytest.approx(accuracy, abs=0.01)


def test_copies_of_held_out_faces_are_removed_from_training():
    dataset = make_dataset(60, ("train", "validation"))
    dataset.images[0] = dataset.images[3]  # row 0 trains, row 3 validates
    data = split_for_training(dataset, TrainingRecipe().split_choice)
    assert data.leaks_removed == 1
    assert dataset.images[3].tobytes() not in {image.tobytes() for image in data.train.images}


def test_training_faces_that_are_all_copies_of_held_out_ones_are_said():
    dataset = make_dataset(60, ("train", "test"))
    dataset.images[dataset.splits == "train"] = dataset.images[dataset.splits == "test"]
    with pytest.raises(
        EdgeError, match=r"all training faces of .* also stand in its validation or test split"
    ):
        split_for_training(dataset, TrainingRecipe().split_choice)


def test_hold_out_leaves_the_given_validation_split_untouched():
    dataset = make_dataset(90, ("train", "validation"))
    data = split_for_training(dataset, TrainingRecipe(hold_out=True, validation_share=0.2).split_choice)
    outside = {image.tobytes() for image in dataset.split("validation").images}
    used = {image.tobytes() for image in [*data.train.images, *data.validation.images]}
    assert not outside & used
    assert len(data.train) + len(data.validation) == 45
    assert len(data.validation) == 9


def test_a_class_missing_from_a_split_is_named():
    dataset = make_dataset(60, ("train", "validation"))
    without = dataset.select((dataset.labels != 1) | (dataset.splits != "validation"))
    with pytest.raises(EdgeError, match="no 'sad' face in the validation split"):
        split_for_training(without, TrainingRecipe().split_choice)


def test_the_held_out_faces_are_the_same_whatever_classes_are_kept():
    dataset = make_dataset(90, ("train",))
    recipe = TrainingRecipe(hold_out=True, validation_share=0.2)
    whole, fewer = (
        split_for_training(dataset, recipe.split_choice),
        split_for_training(dataset, recipe.split_choice, dataset.classes[1:]),
    )
    learnt = {image.tobytes() for image in whole.train.images}
    assert len(fewer.validation) > 0
    assert not learnt & {image.tobytes() for image in fewer.validation.images}


def test_one_face_a_class_cannot_be_parted():
    dataset = make_dataset(60, ("train",))
    first = np.unique(dataset.labels, return_index=True)[1]
    with pytest.raises(EdgeError, match=r"no class of .* has two different training faces"):
        split_for_training(dataset.select(first), TrainingRecipe().split_choice)
