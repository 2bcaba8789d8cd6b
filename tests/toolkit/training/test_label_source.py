"""Training and evaluating on FER+'s majority labels."""

import csv
import json

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from toolkit.data.class_names import FERPLUS_CLASSES
from toolkit.data.ferplus import VOTE_COLUMNS
from toolkit.models.keras_file import read_keras_metadata
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest
from toolkit.training.session import train

pytestmark = pytest.mark.toolkit


def test_a_model_learns_and_is_judged_by_the_majority_of_the_votes(tmp_path, forked_toolkit):
    """The data's own labels are angry and disgust in turn; only the votes tell the eight classes apart."""
    rng, rows, votes = np.random.default_rng(0), [], []
    for number in range(240):
        column = number % 9  # the ninth is 'unknown'
        face = rng.integers(0, 60, (48, 48))
        face[16 * (column // 3) :, 16 * (column % 3) :][:16, :16] += 180  # one of nine fields is bright
        usage = "PublicTest" if number % 5 == 0 else "Training"
        rows.append((number % 2, " ".join(map(str, face.ravel())), usage))
        votes.append((usage, "", *(9 if at == column else int(at == 9) for at in range(10))))
    for name, header, lines in (
        ("fer2013.csv", ("emotion", "pixels", "Usage"), rows),
        ("fer2013new.csv", ("Usage", "Image name", *VOTE_COLUMNS), votes),
    ):
        with open(tmp_path / name, "w", newline="") as handle:
            csv.writer(handle).writerows([header, *lines])
    recipe = TrainingRecipe(
        arch="fully-connected", label_source="ferplus", epochs=8, batch_size=16, augmentation=0.0,
        dtype_policy="float32",
    )  # fmt: skip
    request = TrainingRequest(tmp_path / "fer2013.csv", tmp_path / "run", recipe)
    result = train(request)
    metadata = read_keras_metadata(result.model)
    assert metadata["labels"] == list(FERPLUS_CLASSES)
    assert metadata["training"]["recipe"]["label_source"] == "ferplus"
    assert result.report.accuracy >= 0.9
    asked = ("--model", result.model, "--data", tmp_path / "fer2013.csv")
    done = forked_toolkit("evaluate", *asked, "--label-source", "ferplus", "--json")
    (entry,) = json.loads(done.stdout)["models"]
    (evaluation,) = entry["evaluations"]
    assert evaluation["data"]["source"].endswith("fer2013.csv (FER+ majority labels)")
    assert evaluation["report"]["accuracy"] == result.report.accuracy
    assert evaluation["data"]["n"] == sum(number % 5 == 0 and number % 9 != 8 for number in range(240))
    assert entry["training"]["recipe"]["label_source"] == "ferplus"
    for refused in (
        forked_toolkit("evaluate", *asked),
        forked_toolkit("quantize", *asked, "--out", tmp_path / "int8.tflite"),
    ):
        assert refused.returncode == 1
        assert "; pass --label-source ferplus for the labels" in refused.stderr.splitlines()[-1]
