"""Faces to train on, and a small training of easy pictures through the door that the command line uses."""

import numpy as np
import pytest

from toolkit.data.dataset import Dataset
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest

RECIPE = TrainingRecipe(
    arch="fully-connected", epochs=4, batch_size=16, augmentation=0.0, dtype_policy="float32"
)


def make_dataset(count: int = 60, splits: tuple[str, ...] = ("train",), votes: bool = False) -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    return Dataset(
        images=rng.integers(0, 256, (count, 48, 48), dtype=np.uint8),
        labels=labels,
        classes=("happy", "sad", "neutral"),
        splits=np.array([splits[row // 3 % len(splits)] for row in range(count)]),
        names=np.array([f"face {row}" for row in range(count)]),
        votes=rng.integers(0, 10, (count, 10)).astype(np.uint8) if votes else None,
        source="test faces",
    )


def run(request, epoch_done=None):
    """Train as ``request`` says; the import needs Keras."""
    from toolkit.training.session import train

    return train(request, epoch_done=epoch_done)


@pytest.fixture(scope="session")
def trained(stripes, tmp_path_factory):
    """What a training on ``stripes`` by RECIPE gave, in a folder that is not to be changed."""
    return run(TrainingRequest(stripes, tmp_path_factory.mktemp("trained") / "one", RECIPE))


def interrupt(record):
    raise KeyboardInterrupt
