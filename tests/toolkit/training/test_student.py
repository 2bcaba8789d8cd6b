"""The loss of the network that is trained, held against the formula."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from device.errors import EdgeError
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.student import ClassLoss, Student, with_probabilities, without_softmax

pytestmark = pytest.mark.toolkit

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]], np.float32)
LABELS = np.array([[1, 0, 0], [0.2, 0.8, 0]], np.float32)
TEACHERS = np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3]], np.float32)


def cross_entropy(targets, logits):
    exponents = np.exp(logits)
    return -(targets * np.log(exponents / exponents.sum(axis=1, keepdims=True))).sum(axis=1)


def test_without_teachers_it_is_the_cross_entropy_with_the_labels():
    loss = ClassLoss(3, teacher_weight=0.7, temperature=2.0)
    np.testing.assert_allclose(loss.call(LABELS, LOGITS), cross_entropy(LABELS, LOGITS), rtol=1e-5)


@pytest.mark.parametrize(("weight", "temperature"), [(0.7, 2.0), (0.25, 3.0), (1.0, 1.0)])
def test_with_teachers_it_is_hintons_sum(weight, temperature):
    """(1 - w) CE(labels) + w T^2 CE(teachers, logits / T): T^2 keeps the two gradients in proportion."""
    loss = ClassLoss(3, weight, temperature)
    expected = (1 - weight) * cross_entropy(LABELS, LOGITS) + weight * temperature**2 * cross_entropy(
        TEACHERS, LOGITS / temperature
    )
    both = np.concatenate([LABELS, TEACHERS], axis=1)
    np.testing.assert_allclose(loss.call(both, LOGITS), expected, rtol=1e-5)


def test_a_network_of_one_channel_takes_three():
    student = Student(TrainingRecipe(arch="fully-connected", channels=3, dtype_policy="float32"), 4)
    faces = np.full((24, 48, 48, 1), 100, np.float32)
    inputs = student.inputs(faces)
    assert inputs.shape == (24, 48, 48, 3)
    targets = np.eye(4, dtype=np.float32)[np.arange(24) % 4]
    assert np.isfinite(student.model.train_on_batch(inputs, targets, return_dict=True)["loss"])
    assert student.export(1.0).predict_on_batch(inputs).shape == (24, 4)


def test_a_network_that_makes_three_channels_of_one_itself_is_refused_in_one_line():
    with pytest.raises(
        EdgeError, match="resnet50v2 cannot be built for 3 channels, it counts on 1: leave `channels`"
    ):
        Student(TrainingRecipe(arch="resnet50v2", channels=3, dtype_policy="float32"), 4)


def test_a_face_enters_as_the_device_cuts_it():
    student = Student(TrainingRecipe(arch="fully-connected", dtype_policy="float32"), 4)
    faces = np.zeros((2, 48, 48, 1), np.float32)
    assert student.inputs(faces) is faces


def test_a_face_that_no_teacher_answers_about_teaches_by_its_label_alone():
    loss = ClassLoss(3, teacher_weight=0.7, temperature=2.0)
    both = np.concatenate([LABELS, TEACHERS * [[1], [0]]], axis=1).astype(np.float32)
    taught, untaught = np.asarray(loss.call(both, LOGITS))
    assert untaught == pytest.approx(cross_entropy(LABELS, LOGITS)[1], rel=1e-5)
    assert taught != pytest.approx(cross_entropy(LABELS, LOGITS)[0], rel=1e-2)


@pytest.mark.parametrize("voted", [True, False])
def test_a_face_without_votes_teaches_the_second_head_nothing(voted):
    recipe = TrainingRecipe(arch="fully-connected", dtype_policy="float32", weight_decay=0.0)
    student = Student(recipe, 4, vote_count=10)
    faces = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1)).astype(np.float32)
    votes = np.eye(10, dtype=np.float32)[np.arange(8)] * voted
    head = student.model.get_layer("votes")
    before = head.get_weights()
    student.model.train_on_batch(faces, [np.full((8, 4), 0.25, np.float32), votes])
    stayed = [np.array_equal(old, new) for old, new in zip(before, head.get_weights(), strict=True)]
    assert stayed == [not voted] * 2


def test_a_network_without_a_dense_end_is_saved_again_after_a_second_training():
    image = keras.Input((4, 4, 1))
    scores = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 2)(image))
    first = with_probabilities(keras.Model(image, scores), 2.0, "net")
    second = with_probabilities(without_softmax(first), 0.5, "net")
    faces = np.random.default_rng(0).random((2, 4, 4, 1), dtype=np.float32)
    logits = keras.Model(image, scores)(faces)
    np.testing.assert_allclose(second(faces), keras.ops.softmax(logits), rtol=1e-5)
