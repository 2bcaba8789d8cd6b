"""Installed models that a disk damaged, and what else stands where they and their links should."""

import json
import os

import pytest

from device.errors import EdgeError
from device.files import TEMPORARY
from device.model.file.metadata import read_metadata
from device.service.model_store import (
    MOST_STARTS,
    begin_run,
    current_model,
    install_model,
    lost_model,
    roll_back,
)


@pytest.mark.parametrize("damage", [b"", b"\xff"])
def test_a_stored_copy_that_the_disk_damaged_is_written_anew(home, models, damage):
    stored = install_model(models[0]).current
    content = stored.read_bytes()
    stored.write_bytes(content[: len(content) // 2] + damage)
    assert install_model(models[0]).current == stored
    assert stored.read_bytes() == content


@pytest.mark.parametrize("name", ["current", "previous"])
def test_what_stands_in_place_of_a_link_is_told_and_kept(home, models, name):
    install_model(models[0])
    (home / name).unlink(missing_ok=True)
    for what in ("a file", "a folder"):
        if what == "a file":
            (home / name).write_bytes(models[1].read_bytes())
        else:
            (home / name).unlink()
            (home / name).mkdir()
        for change in (lambda: install_model(models[2]), roll_back):
            with pytest.raises(EdgeError, match=rf"state/{name} is {what}, expected a link.*move it away"):
                change()
        assert not (home / name).is_symlink()
    assert not list(home.glob(".*-*"))


def test_what_the_store_did_not_write_stays_in_it(home, models):
    own = home / "models" / "own.tflite"
    for folder in ("x.tflite", f"{0:016}.tflite"):
        (home / "models" / folder).mkdir(parents=True)
    own.write_bytes(models[0].read_bytes())
    half_copied = home / "models" / f"{TEMPORARY}x.tflite"
    half_copied.touch()
    install_model(own)
    assert not half_copied.exists()
    assert read_metadata(current_model()).recipe == "recipe 0"
    assert own.is_file()
    assert (home / "models" / "x.tflite").is_dir()
    assert (home / "models" / f"{0:016}.tflite").is_dir()


def test_with_a_damaged_model_before_the_packaged_one_comes_back(home, models, caplog):
    for path in models[:2]:
        install_model(path).current.write_bytes(b"a broken disk")
    (home / "trial.json").write_text(json.dumps({"model": current_model().name, "starts": MOST_STARTS}))
    assert "never healthy" in begin_run()
    assert "the model before cannot be used, the packaged one is taken: " in caplog.text
    assert current_model() is None
    assert not (home / "current").is_symlink()
    assert begin_run() is None


def test_a_trial_counts_for_its_own_model_alone(home, models):
    """A power cut between the switch and the note of the trial, or a link made by hand."""
    install_model(models[0])
    note = (home / "trial.json").read_text()
    install_model(models[1])
    (home / "trial.json").write_text(note)
    assert [begin_run() for _ in range(MOST_STARTS + 1)] == [None] * (MOST_STARTS + 1)
    assert read_metadata(current_model()).recipe == "recipe 1"


@pytest.mark.parametrize("name", ["previous", "current"])
def test_an_install_that_fails_at_the_switch_leaves_the_trial_that_goes_on(home, models, name):
    install_model(models[0])
    assert begin_run() is None
    in_the_way = home / f".{name}-{os.getpid()}"
    in_the_way.mkdir()
    with pytest.raises(EdgeError, match=f"cannot write {home}/{name}"):
        install_model(models[1])
    in_the_way.rmdir()
    assert [begin_run() for _ in range(MOST_STARTS - 1)] == [None] * (MOST_STARTS - 1)
    assert "never healthy" in begin_run()
    assert current_model() is None


def test_a_store_that_takes_no_trial_keeps_its_model(home, models):
    install_model(models[0])
    (home / "trial.json").unlink()
    (home / "trial.json").mkdir()
    with pytest.raises(EdgeError, match="cannot write"):
        install_model(models[1])
    assert read_metadata(current_model()).recipe == "recipe 0"


def test_a_folder_in_place_of_the_current_model_is_told(home):
    (home / "current").mkdir(parents=True)
    assert f"{home}/current is missing, the packaged model runs instead; move away the folder" in lost_model()
