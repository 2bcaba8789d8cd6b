"""Several trainings on one page, through the door that the command line uses."""

import json

import numpy as np
import pytest

from device.errors import EdgeError, UsageError
from toolkit.comparison.ranking import rank
from toolkit.comparison.runs import DONE, MODEL, train_one
from toolkit.comparison.variants import make_variants


def test_every_architecture_meets_every_value():
    made = make_variants(["small,compact"], ["optimizer=sgd,adam", "augmentation=0,1"], None)
    assert len(made) == 8
    assert made[0].name == "small optimizer=sgd augmentation=0.0"
    assert made[-1].options == {"arch": "compact", "optimizer": "adam", "augmentation": 1.0}
    assert make_variants([], ["augment=geometry+light"], None)[0].options["augment"] == "geometry,light"
    assert [one.name for one in make_variants(["nets/my_net.py:build"], [], None)] == ["my_net"]


def test_a_file_names_variants_and_what_is_common(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text('epochs = 5\n[plain]\naugmentation = 0\n["three channels"]\nchannels = 3\n')
    made = make_variants([], [], path)
    assert [one.name for one in made] == ["plain", "three channels"]
    assert made[0].options == {"epochs": 5, "augmentation": 0.0}


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("optimiser=adam", "no training option 'optimiser'; did you mean 'optimizer'"),
        ("optimizer", "`vary` is 'optimizer'; expected KEY=VALUE,VALUE"),
        ("optimizer=lion", "optimizer must be one of sgd, adam, adamw, not lion"),
        ("epochs=many", "epochs is 'many'; expected int"),
        ("hold_out=perhaps", "hold_out is 'perhaps'; expected bool"),
        ("seed=1,1", "two variants are called 'compact seed=1'"),
    ],
)
def test_a_wrong_variant_is_wrong_use(vary, message):
    with pytest.raises(UsageError, match=message):
        make_variants([], [vary], None)


def test_a_file_without_variants_is_refused(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text("epochs = 5\n")
    with pytest.raises(EdgeError, match="has no variant"):
        make_variants([], [], path)


def test_the_ranking_is_paired_on_the_same_faces():
    rng = np.random.default_rng(0)
    easy = rng.random(2000) < 0.7
    better, worse = easy | (rng.random(2000) < 0.1), easy & (rng.random(2000) < 0.97)
    first, second = rank({"worse": [worse], "better": [better]})
    assert (first.name, first.behind) == ("better", None)
    assert second.behind == pytest.approx(100 * (better.mean() - worse.mean()))
    low, high = second.behind_interval
    assert 0 < low < second.behind < high
    assert second.p < 0.001
    assert first.interval[0] < first.accuracy < first.interval[1]


def test_what_differs_by_chance_is_not_told_apart():
    rng = np.random.default_rng(1)
    seeds = [[rng.random(500) < 0.6 for _ in range(3)] for _ in range(2)]
    _, second = rank({"one": seeds[0], "two": seeds[1]})
    assert second.p > 0.05
    assert second.behind_interval[0] < 0 < second.behind_interval[1]
    assert len(second.by_seed) == 3


NETWORK = """
import keras
def build(class_count):
    return keras.Sequential([keras.Input((24, 24, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
                             keras.layers.Dense(class_count, activation="softmax")])
"""


@pytest.mark.toolkit
def test_one_command_trains_all_and_writes_one_page(stripes, tmp_path, forked_toolkit):
    pytest.importorskip("keras", reason="training needs the [toolkit] extra")
    (tmp_path / "my_net.py").write_text(NETWORK)
    (tmp_path / "broken.py").write_text("def build(class_count):\n    return 3\n")
    command = [
        *("compare", "--data", stripes, "--out", tmp_path / "out", "--epochs", "2", "--json"),
        *("--arch", f"{tmp_path / 'my_net.py'},{tmp_path / 'broken.py'}"),
    ]
    done = forked_toolkit(*command)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    (row,) = made["ranking"]
    assert (row["name"], len(row["by_seed"]), made["split"], made["faces"]) == ("my_net", 1, "validation", 20)
    assert row["int8"]["size_bytes"] > 500
    assert row["int8"]["p50_ms"] > 0
    assert [(one["name"], one["seed"]) for one in made["failed"]] == [("broken", 0)]
    assert "gives a int; expected a Keras model" in made["failed"][0]["error"]
    page = (tmp_path / "out" / "index.html").read_text()
    for words in ("Ranking", "Confusion of my_net", "Accuracy over the epochs", "data:image/png", "Failed"):
        assert words in page


def test_what_is_done_is_passed_over_and_what_is_asked_otherwise_is_not(tmp_path):
    options = {"arch": "nowhere.py", "epochs": 2, "data": "nowhere"}
    (tmp_path / MODEL).write_bytes(b"trained")
    (tmp_path / DONE).write_text(json.dumps(options, sort_keys=True))
    assert train_one(tmp_path, options) == ""
    assert "holds a best.keras already" in train_one(tmp_path, options | {"epochs": 3, "arch": "compact"})
