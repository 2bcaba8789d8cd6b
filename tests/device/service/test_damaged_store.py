"""Installed models that a disk damaged, and what else stands where they and their links should."""

import pytest

from device.errors import EdgeError
from device.model.file.metadata import read_metadata
from device.service.model_store import current_model, install_model, roll_back


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


def test_a_folder_among_the_stored_models_stays(home, models):
    (home / "models" / "x.tflite").mkdir(parents=True)
    install_model(models[0])
    assert read_metadata(current_model()).recipe == "recipe 0"
    assert (home / "models" / "x.tflite").is_dir()
