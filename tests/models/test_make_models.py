"""The lineage of the shipped models: it stands in the recipes, and one runner trains it in order."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "models" / "make_models.py"
PRESSED = (
    "best_panel", "best_panel_again", "best_new_views", "best4_press_taught", "best4_new_views", "compact_press_taught",
    "compact_new_views", "compact_recombined", "small_press_taught", "small_new_views", "small_recombined",
)  # fmt: skip
# What the recipes find there: models that ship, and a mean of weights that the Makefile makes.
SHIPPED = (
    "models/best.keras", "models/best4.keras", "models/compact.keras", "models/small.keras", "models/teacher.keras",
    "build/best_mean/best.keras",
)  # fmt: skip
RECIPES = {path.stem: tomllib.loads(path.read_text()) for path in (ROOT / "recipes").glob("*.toml")}


def run(*arguments, cwd=ROOT):
    command = [sys.executable, str(RUNNER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_every_run_comes_after_what_it_starts_and_learns_from():
    done = run("--data", "none", "--list", "compact", "small", "best4", "ferplus", *PRESSED)
    assert done.returncode == 0, done.stderr
    order = done.stdout.split()
    assert len(order) == len(set(order)) == 32
    for place, name in enumerate(order):
        recipe = RECIPES[name]
        for path in (recipe.get("init"), *recipe.get("teachers", ())):
            assert path in (None, *SHIPPED) or Path(path).parent.name in order[:place], name


def test_only_what_is_asked_for_and_its_ancestors_are_trained():
    assert run("--data", "none", "--list", "mobile").stdout.split() == ["mobile"]
    assert run("--data", "none", "--list", "fast").stdout.split() == ["fast"], "models/best.keras is there"
    done = run("--data", "none", "--list", "nothing")
    assert done.returncode == 1
    assert "error: no recipe recipes/nothing.toml" in done.stderr


def test_every_recipe_can_be_read():
    from toolkit.training.request import make_request

    for name in RECIPES:
        request = make_request(ROOT / "recipes" / f"{name}.toml", None, False, False, data="faces")
        assert request.recipe.with_batch_size(27_000).batch_size == 128, name


@pytest.mark.toolkit
def test_what_is_done_is_passed_over(stripes, tmp_path):
    from toolkit.models.keras_file import save_model
    from toolkit.training.architectures import build_network

    recipes = tmp_path / "recipes"
    recipes.mkdir()
    common = 'arch = "fully-connected"\nepochs = 1\nbatch_size = 16\naugmentation = 0.0\ndtype_policy = "float32"\n'
    (recipes / "first.toml").write_text(common)
    (recipes / "second.toml").write_text('init = "runs/first/best.keras"\n' + common)
    first = tmp_path / "runs" / "first"
    first.mkdir(parents=True)
    (first / "history.csv").write_text("epoch,loss\n1,1.0\n")
    save_model(build_network("fully-connected", 2), first / "best.keras", {"labels": ["happy", "sad"]})
    done = run("--data", stripes, "second", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("runs/")] == ["runs/second"]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/best.keras")}
    assert {path.parent.name for path in stamps} == {"first", "second"}
    again = run("--data", stripes, "second", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
