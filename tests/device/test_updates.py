"""Installing, rolling back and trying models, with real files and a real interpreter."""

import json

import pytest

from device import updates
from device.errors import EdgeError
from device.metadata import pack_metadata, read_metadata
from device.updates import begin_run, current_model, install_model, mark_good, roll_back


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "state"
    monkeypatch.setenv("FER_EDGE_HOME", str(folder))
    return folder


@pytest.fixture
def models(tiny_model, tmp_path):
    """Three whole models that differ in what they say of themselves."""
    import dataclasses

    paths = []
    for number in range(3):
        metadata = dataclasses.replace(read_metadata(tiny_model), recipe=f"recipe {number}")
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(pack_metadata(tiny_model.read_bytes(), metadata))
        paths.append(path)
    return paths


def recipe() -> str:
    return read_metadata(current_model()).recipe


def test_install_and_roll_back_and_forth(home, models):
    assert current_model() is None
    assert install_model(models[0]).previous is None
    assert recipe() == "recipe 0"
    install_model(models[1])
    assert recipe() == "recipe 1"
    roll_back()
    assert recipe() == "recipe 0"
    roll_back()
    assert recipe() == "recipe 1"


def test_only_two_models_are_kept_and_nothing_half_written(home, models):
    for path in (*models, models[2]):
        install_model(path)
    assert len(list((home / "models").iterdir())) == 2
    assert sorted(path.name for path in home.iterdir()) == ["current", "models", "previous", "trial.json"]
    roll_back()
    assert recipe() == "recipe 1"


def test_a_broken_model_changes_nothing(home, models, tmp_path):
    install_model(models[0])
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(models[1].read_bytes()[:3000])
    with pytest.raises(EdgeError):
        install_model(cut)
    with pytest.raises(EdgeError, match="cannot read"):
        install_model(tmp_path / "gone.tflite")
    assert recipe() == "recipe 0"


def test_nothing_to_roll_back_is_said(home):
    with pytest.raises(EdgeError, match="nothing was ever installed"):
        roll_back()


def test_a_model_that_is_never_healthy_is_taken_back(home, models):
    install_model(models[0])
    mark_good()
    install_model(models[1])
    assert [begin_run() for _ in range(updates.MOST_STARTS)] == [None] * updates.MOST_STARTS
    assert recipe() == "recipe 1"
    assert "never healthy" in begin_run()
    assert recipe() == "recipe 0"
    assert begin_run() is None


def test_minutes_of_results_end_the_trial(home, models):
    install_model(models[0])
    now = [0.0]
    sink = updates.TrialSink(clock_s=lambda: now[0])
    sink.write(None)
    now[0] = updates.GOOD_AFTER_S - 1
    sink.write(None)
    assert json.loads((home / "trial.json").read_text())["starts"] == 0
    now[0] += 1
    sink.write(None)
    assert not (home / "trial.json").exists()


def test_a_damaged_trial_note_is_ignored(home, models):
    install_model(models[0])
    for content in ("", "[]", "{}", '{"starts": "x"}'):
        (home / "trial.json").write_text(content)
        assert begin_run() is None
