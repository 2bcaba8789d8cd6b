"""Fed and read as it was trained: the pixel range is settled by what recognises the faces, orders are tried."""

import logging
import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from device.errors import EdgeError, UsageError
from toolkit.data.class_names import FER2013_CLASSES, PUBLISHED_ORDERS, other_orders
from toolkit.models.input_fit import (
    better_fit,
    better_order,
    far_higher,
    label_indices,
    settle_pixel_range,
)
from toolkit.models.keras_file import save_model
from toolkit.models.network import FOUND, GIVEN, RESCALES, STORED, open_network

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    """Names a face by its brightness, of seven levels, but only with pixels of -1..1."""
    image = keras.Input((8, 8, 1))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    last = keras.layers.Dense(7)
    model = keras.Model(image, last(mean))
    centres = np.linspace(-1, 1, 7)  # the greatest of 2 c x - c2 is the nearest centre
    last.set_weights([(40 * centres)[None].astype(np.float32), (-20 * centres**2).astype(np.float32)])
    path = tmp_path_factory.mktemp("bright") / "m.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def faces():
    labels = np.arange(210) % 7
    levels = np.linspace(0, 255, 7)[labels] + np.random.default_rng(0).normal(0, 5, 210)
    images = np.repeat(levels.clip(0, 255).astype(np.uint8), 64).reshape(-1, 8, 8)
    return images, labels


def test_the_range_that_recognises_the_faces_is_found_and_told(bright, faces):
    network = open_network(bright, FER2013_CLASSES)
    assert not network.range_is_known
    settled = settle_pixel_range(network, *faces)
    assert (settled.pixel_range, settled.range_from) == ("-1..1", FOUND)
    assert (settled.predict(faces[0]).argmax(1) == faces[1]).mean() > 0.95
    assert better_fit(settled, *faces) is None


def test_of_ranges_in_which_it_names_as_many_faces_the_one_that_its_answers_fit_is_found(tmp_path, caplog):
    rng = np.random.default_rng(0)
    halves = rng.integers(0, 256, (500, 2))
    images = np.repeat(halves.astype(np.uint8), 4, axis=1)[:, None].repeat(8, axis=1)
    image = keras.Input((8, 8, 1))
    sides = keras.layers.Flatten()(keras.layers.AveragePooling2D((8, 4))(image))
    steps, last = keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, last(steps(sides)))
    # Differences of less than 0.5 tell it next to nothing.
    steps.set_weights([np.array([[1, -1, 1, -1], [-1, 1, -1, 1]]), np.array([0, 0, -0.5, -0.5])])
    last.set_weights([np.array([[0, 0, 0, 0], [0.01, -0.01, 4, -4]]).T, np.zeros(2)])
    model.save(tmp_path / "m.keras")
    network = open_network(tmp_path / "m.keras", ("left", "right"))
    sure = network.with_pixel_range("-1..1").predict(images)
    labels = (rng.random(500) < sure[:, 1]).astype(int)
    named = [network.with_pixel_range(name).predict(images).argmax(1) for name in network.pixel_ranges]
    assert all((one == sure.argmax(1)).all() for one in named)
    assert settle_pixel_range(network, images, labels).pixel_range == "-1..1"
    assert not caplog.records
    settle_pixel_range(network, images[:7], labels[:7])
    assert "7 labelled faces hardly tell" in caplog.text
    assert "pass `pixel_range` as in training" in caplog.text


def test_without_labels_nothing_is_guessed(bright, faces):
    network = open_network(bright, FER2013_CLASSES)
    for labels in (None, np.full(210, -1)):
        with pytest.raises(
            EdgeError,
            match=r"nothing tells.*`pixel_range` as in training, of 0..255, 0..1, -1..1, or",
        ):
            settle_pixel_range(network, faces[0], labels)


def test_a_range_that_is_given_is_kept_and_a_far_better_one_is_named(bright, faces):
    given = settle_pixel_range(open_network(bright, FER2013_CLASSES, "0..1"), *faces)
    assert (given.pixel_range, given.range_from) == ("0..1", GIVEN)
    assert "pass `pixel_range` -1..1" in str(better_fit(given, *faces))


@pytest.mark.parametrize("mode", ["caffe", "torch"])
def test_ranges_that_differ_by_channel_are_those_of_keras_applications(mode, tmp_path):
    """A network that gives what it is fed in one place, beside what ``preprocess_input`` makes of it."""
    passing = keras.Sequential([keras.Input((1, 1, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    passing.layers[-1].set_weights([np.eye(3) / 100, np.zeros(3)])
    passing.save(tmp_path / "passing.keras")
    network = open_network(tmp_path / "passing.keras", ("a", "b", "c"), mode)
    images = np.array([[[0]], [[100]], [[255]]], np.uint8)
    pixels = np.repeat(images[..., None].astype(np.float32), 3, axis=3)
    taken = keras.applications.imagenet_utils.preprocess_input(pixels, mode=mode).reshape(3, 3) / 100
    expected = np.exp(taken) / np.exp(taken).sum(axis=1, keepdims=True)
    assert network.predict(images) == pytest.approx(expected, abs=1e-6)


def test_a_range_of_three_channels_is_refused_for_one(bright):
    with pytest.raises(UsageError, match=r"'caffe'; expected one of 0..255, 0..1, -1..1 for 1 channel"):
        open_network(bright, FER2013_CLASSES, "caffe")


@pytest.mark.parametrize("first", ["layer", "operation"])
def test_a_network_that_rescales_pixels_which_were_scaled_before_is_told(bright, faces, tmp_path, first):
    image = keras.Input((8, 8, 1))
    scaled = keras.layers.Rescaling(1 / 127.5)(image) if first == "layer" else image / 127.5
    learnt = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(255.0))(scaled)
    learnt = keras.layers.Rescaling(1, -1)(learnt)
    keras.Model(image, keras.models.load_model(bright)(learnt)).save(tmp_path / "m.keras")
    network = settle_pixel_range(open_network(tmp_path / "m.keras", FER2013_CLASSES), *faces)
    assert (network.pixel_range, network.range_from) == ("0..255", RESCALES)
    better = better_fit(network, *faces)
    assert better.accuracy > 0.95
    assert "pass `pixel_range` 0..1" in str(better)
    told = open_network(tmp_path / "m.keras", FER2013_CLASSES, "0..1")
    assert better_fit(told, *faces) is None


def test_a_range_stored_in_the_file_is_known(bright, tmp_path, faces):
    save_model(
        keras.models.load_model(bright),
        tmp_path / "m.keras",
        {"labels": list("abcdefg"), "pixel_range": "-1..1"},
    )
    network = open_network(tmp_path / "m.keras")
    assert (network.pixel_range, network.range_from) == ("-1..1", STORED)


@pytest.mark.parametrize("name", ["alphabetical", *sorted(set(PUBLISHED_ORDERS) - {"FER2013"})])
def test_labels_in_another_known_order_are_named_with_the_figure(bright, faces, name):
    right = other_orders(FER2013_CLASSES)[name]
    images, labels = faces
    truth = np.array([FER2013_CLASSES.index(one) for one in right])[labels]  # output i is the class right[i]
    network = open_network(bright, FER2013_CLASSES, "-1..1")
    better = better_fit(network, images, truth)
    assert better is not None
    assert better.order == right
    assert f"`labels` {','.join(right)}" in str(better)
    assert "% of 210 faces instead of" in str(better)


def test_two_labels_are_tried_the_other_way_round():
    answers, labels = np.array([[0.9, 0.1], [0.2, 0.8]] * 40), np.array([1, 0] * 40)
    better = better_order(answers, labels, ("yes", "no"))
    assert better is not None
    assert better.order == ("no", "yes")
    assert better_order(answers, 1 - labels, ("yes", "no")) is None


def test_a_little_better_or_on_few_faces_is_no_finding():
    rng = np.random.default_rng(0)
    given = rng.random(1000) < 0.60
    assert not far_higher(rng.random(1000) < 0.65, given)
    assert far_higher(rng.random(1000) < 0.80, given)
    assert not far_higher(
        np.array([True] * 4 + [False] * 4), np.array([False] * 4 + [True] * 2 + [False] * 2)
    )


def test_classes_are_matched_by_their_names():
    found = label_indices(("Happiness", "sad", "zebra"), np.array([0, 1, 2, 0]), ("sad", "happy"))
    assert found.tolist() == [1, 0, -1, 1]


def test_ranges_are_tried_on_a_network_that_is_compiled_once(bright, faces, caplog):
    unknown, wrong = (open_network(bright, FER2013_CLASSES, name) for name in (None, "0..1"))
    assert not logging.getLogger("tensorflow").isEnabledFor(logging.WARNING)
    with caplog.at_level("WARNING", logger="tensorflow"):
        settled, better = settle_pixel_range(unknown, *faces), better_fit(wrong, *faces)
    assert settled.pixel_range == better.pixel_range == "-1..1"
    assert "retracing" not in caplog.text
