"""A comparison in a folder that holds one already: the same goes on, another is refused."""

import json
import os
from pathlib import Path

import pytest

from device.errors import EdgeError
from device.files import locked
from toolkit.comparison.comparison import ComparisonRequest, compare
from toolkit.comparison.runs import (
    DONE_FILE,
    RECIPE_FILE,
    planned,
    recipe_text,
    refuse_others,
    train_one,
)
from toolkit.comparison.variants import Variant, make_variants
from toolkit.training.checkpoint import CHECKPOINT_FILE
from toolkit.training.request import BEST_FILE


def test_two_comparisons_do_not_fill_one_folder(stripes, tmp_path):
    asked = ComparisonRequest(stripes, tmp_path / "out", make_variants(["fully-connected"], [], None))
    with (
        locked(tmp_path / "out"),
        pytest.raises(EdgeError, match=r"another program works in .*out; let it end"),
    ):
        compare(asked)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_done_is_passed_over_and_what_is_asked_otherwise_is_not(tmp_path):
    options = {"arch": "nowhere.py", "epochs": 2, "data": "nowhere"}
    (tmp_path / BEST_FILE).write_bytes(b"trained")
    (tmp_path / DONE_FILE).write_text(json.dumps(options, sort_keys=True))
    assert train_one(tmp_path, options) == ""
    assert "holds a best.keras already" in train_one(tmp_path, options | {"epochs": 3, "arch": "compact"})


@pytest.fixture
def held(tmp_path):
    """A folder that holds a finished training of compact, and one that failed before its first epoch."""
    out = tmp_path / "out"
    for run in planned([Variant("compact"), Variant("failed")], 1, tmp_path, out, {"epochs": 5}):
        run.folder.mkdir(parents=True)
        (run.folder / RECIPE_FILE).write_text(recipe_text(run.options))
    (out / "compact" / "seed0" / CHECKPOINT_FILE).touch()
    return out


@pytest.mark.parametrize(
    ("data", "name", "options", "message"),
    [
        (
            "other",
            "compact",
            {"epochs": 5},
            "trained with data {held}, now {asked}; ask for the same, or choose an",
        ),
        ("other", "small", {"epochs": 5}, "trained with data {held}, now {asked}"),
        ("", "compact", {"epochs": 4}, "trained with epochs 5, now 4"),
        ("", "compact", {"epochs": 5, "optimizer": "adam"}, "trained with optimizer sgd, now adam"),
        (
            "",
            "small",
            {"epochs": 5, "classes": ["happy", "sad"]},
            "trained with classes not given, now happy, sad",
        ),
    ],
)
def test_a_folder_of_another_comparison_is_refused(held, tmp_path, data, name, options, message):
    (tmp_path / "other").mkdir()
    runs = planned([Variant(name)], 1, tmp_path / data, held, options)
    with pytest.raises(EdgeError) as raised:
        refuse_others(held, runs)
    told = message.format(held=tmp_path, asked=tmp_path / data)
    assert str(raised.value).startswith(f"{held / 'compact' / 'seed0'} was {told}")


@pytest.mark.parametrize(
    ("names", "seeds", "options"),
    [
        (["compact"], 1, {"epochs": 5}),
        (["compact", "small"], 3, {"epochs": 5}),
        (["compact"], 1, {"epochs": 9}),
        (["compact"], 1, {"epochs": 5, "optimizer": "sgd"}),
        (["failed"], 1, {"epochs": 3}),
    ],
)
def test_the_same_request_and_more_of_it_go_on(held, tmp_path, names, seeds, options):
    refuse_others(held, planned([Variant(name) for name in names], seeds, tmp_path, held, options))


def test_a_comparison_goes_on_from_another_folder(tmp_path, monkeypatch):
    """A network of one's own has another path there."""
    out, arch = tmp_path / "out", tmp_path / "net.py"
    arch.touch()
    for folder in (tmp_path, tmp_path / "other"):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        (run,) = planned(make_variants([os.path.relpath(arch)], [], None), 1, tmp_path, out, {})
        refuse_others(out, [run])
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / RECIPE_FILE).write_text(recipe_text(run.options))
        (run.folder / CHECKPOINT_FILE).touch()
    # As earlier versions wrote it.
    (run.folder / RECIPE_FILE).write_text(recipe_text(run.options | {"arch": "net.py"}))
    refuse_others(out, [run])


def test_another_network_of_the_same_name_is_no_training_that_is_done(tmp_path, monkeypatch):
    out, told = tmp_path / "out", []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        Path("net.py").touch()
        (run,) = planned(make_variants(["net.py"], [], None), 1, tmp_path, out, {})
        told.append(run)
    assert (run.variant.name, run.folder) == ("net", out / "net" / "seed0")
    run.folder.mkdir(parents=True)
    (run.folder / RECIPE_FILE).write_text(recipe_text(told[0].options))
    (run.folder / CHECKPOINT_FILE).touch()
    refuse_others(out, told[:1])
    with pytest.raises(
        EdgeError, match=rf"with arch {tmp_path}/one/net.py, now {tmp_path}/other/net.py; ask"
    ):
        refuse_others(out, told[1:])


def test_another_comparison_changes_nothing(held, stripes):
    before = {path: path.is_file() and path.read_bytes() for path in held.rglob("*")}
    request = ComparisonRequest(stripes, held, make_variants(["small"], [], None))
    with pytest.raises(EdgeError, match=f"trained with data {held.parent}, now {stripes}; ask for the same"):
        compare(request)
    assert {path: path.is_file() and path.read_bytes() for path in held.rglob("*")} == before
