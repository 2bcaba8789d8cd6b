"""Training without TensorFlow: the [train] extra with JAX or torch alone, and what it hands back under TensorFlow.

Each backend gets an environment of its own, installed from the package index; a minute or two each.
"""

import csv
import functools
import json
import subprocess

import cv2
import numpy as np
import pytest
from built_package import install_into

keras = pytest.importorskip("keras", reason="the handed-back model is read under the [toolkit] extra")

from toolkit.models.predictors import load_predictor

pytestmark = pytest.mark.toolkit
# torch's CPU build, where an index offers one under this number.
BACKENDS = {"jax": "jax", "torch": "torch==2.13.0"}


# Says which devices have which rows of the pictures of a step, for real.
WATCHED = """
import sys
from pathlib import Path
import keras
from toolkit.data.train_split import SplitChoice, split_for_training
from toolkit.data.readers.loading import load_dataset
from toolkit.training.devices import data_parallel
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.trainer import Trainer

recipe = TrainingRecipe(arch="fully-connected", batch_size=16, epochs=1)
with data_parallel(recipe.batch_size):
    data = split_for_training(load_dataset(Path(sys.argv[1])), SplitChoice(False, 0.1, 0, "own"))
    model = Trainer(data, recipe, Path(sys.argv[2]), []).student.model
    batch = data.train.images[:16, ..., None].astype("float32"), keras.utils.to_categorical([0, 1] * 8)
    model.train_on_batch(*batch)  # builds what is watched
    step = model.train_function
    def watched(state, batches):
        batches = list(batches)
        for shard in batches[0][0].addressable_shards:
            print(shard.device.id, shard.data.shape[0])
        return step(state, iter(batches))
    model.train_function = watched
    model.train_on_batch(*batch)
"""


# Normalised by the statistics of a whole batch, which no device has alone.
NETWORK = """
import keras
def build(class_count):
    layers = [keras.layers.Conv2D(8, 5, 2), keras.layers.BatchNormalization(), keras.layers.ReLU()]
    end = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(class_count)]
    return keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Rescaling(1 / 255), *layers, *end])
"""


@pytest.fixture(scope="module")
def python_of(wheel, tmp_path_factory):
    """Gives the Python of a clean environment with the wheel's [train] extra and the backend of that name."""

    @functools.cache
    def make(name):
        environment = tmp_path_factory.mktemp(name)
        done = install_into(environment, BACKENDS[name])
        if done.returncode:
            pytest.skip(f"{name} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
        done = install_into(environment, f"{wheel}[train]")
        assert done.returncode == 0, done.stderr
        return environment / "bin" / "python"

    return make


def run(python, backend, *arguments, **variables):
    done = subprocess.run(
        list(map(str, (python, *arguments))),
        capture_output=True,
        text=True,
        # One thread, as other tests run beside this one.
        env={"KERAS_BACKEND": backend, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", **variables},
    )
    assert done.returncode == 0, done.stderr
    return done


def train(python, backend, out, data, *options, **variables):
    command = (
        "-m",
        "toolkit",
        "train",
        "--data",
        data,
        "--out",
        out,
        "--batch-size",
        "16",
        "--json",
        *options,
    )
    return run(python, backend, *command, **variables)


@pytest.mark.parametrize("backend", ["jax", pytest.param("torch", marks=pytest.mark.slow)])
def test_a_backend_trains_teaches_and_hands_back(backend, python_of, stripes, tmp_path):
    python = python_of(backend)
    assert subprocess.run([python, "-c", "import tensorflow"], capture_output=True).returncode == 1
    plain = tmp_path / "plain.toml"
    plain.write_text('augmentation = 0\narch = "fully-connected"\ndtype_policy = "float32"\n')
    done = train(python, backend, tmp_path / "first", stripes, "--recipe", plain, "--epochs", "10")
    first = json.loads(done.stdout)
    assert first["validation"]["accuracy"] >= 0.9
    (tmp_path / "net.py").write_text(NETWORK)
    taught = ("--arch", tmp_path / "net.py", "--epochs", "1", "--teacher", first["model"])
    train(python, backend, tmp_path / "again", stripes, *taught)

    # The same file gives the same probabilities under TensorFlow: learnt there, known here.
    pictures = sorted((stripes / "validation").glob("*/*.png"))
    faces = np.stack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in pictures])
    named = load_predictor(first["model"]).predict(faces).argmax(axis=1)
    right = named == [("happy", "sad").index(path.parent.name) for path in pictures]
    assert right.mean() == pytest.approx(first["validation"]["accuracy"])


def curve(folder):
    with open(folder / "history.csv", newline="") as handle:
        return [[float(row[key]) for key in ("loss", "validation_loss")] for row in csv.DictReader(handle)]


def test_two_devices_train_as_one(python_of, stripes, tmp_path):
    """Forced devices of JAX on this processor: each has half of every batch; the curves are those of one.

    Of three devices two train, as a batch of 16 does not divide by three.
    """
    python, forced = python_of("jax"), "--xla_force_host_platform_device_count="
    shards = run(python, "jax", "-c", WATCHED, stripes, tmp_path / "watched", XLA_FLAGS=f"{forced}2").stdout
    assert shards.split("\n")[:2] == ["0 8", "1 8"]

    network = tmp_path / "net.py"
    network.write_text(NETWORK)
    options = ("--arch", network, "--epochs", "3", "--dtype-policy", "float32")
    alone = train(python, "jax", tmp_path / "one", stripes, *options)
    both = train(python, "jax", tmp_path / "two", stripes, *options, XLA_FLAGS=f"{forced}3")
    assert "2 of 3 devices train: a batch of 16 faces divides by no more" in both.stderr
    assert "training on 2 devices, 8 faces of a step each" in both.stderr
    assert "devices" not in alone.stderr
    np.testing.assert_allclose(curve(tmp_path / "two"), curve(tmp_path / "one"), rtol=1e-4)

    # What two devices began, one goes on with.
    train(python, "jax", tmp_path / "two", stripes, "--resume", "--epochs", "4")
