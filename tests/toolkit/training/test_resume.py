"""A training that was stopped goes on or says why not; nothing that it made is lost."""

import hashlib
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")


from device.errors import EdgeError
from toolkit.models.keras_file import read_keras_metadata
from toolkit.models.predictors import load_predictor
from toolkit.training.checkpoint import load_checkpoint, save_checkpoint
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest, make_request

from .conftest import RECIPE, interrupt, run

pytestmark = pytest.mark.toolkit
OWN_NETWORK = """
import keras
def build(class_count):
    end = [keras.layers.Flatten(), keras.layers.Dense(class_count)]
    return keras.Sequential([keras.Input((8, 8, 1)), *end])
"""


def test_a_killed_training_ends_where_an_unkilled_one_does(stripes, trained, tmp_path):
    def stop_after_two(record):
        if record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(TrainingRequest(stripes, tmp_path / "killed", RECIPE), stop_after_two)
    resumed = run(TrainingRequest(stripes, tmp_path / "killed", RECIPE, resume=True))
    assert [record.epoch for record in resumed.history] == [1, 2, 3, 4]
    for one, two in zip(trained.history, resumed.history, strict=True):
        assert two.loss == pytest.approx(one.loss, rel=1e-3)
    images = np.random.default_rng(1).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    one, two = (load_predictor(result.model).predict(images) for result in (trained, resumed))
    np.testing.assert_allclose(one, two, atol=5e-3)


def test_a_training_is_not_overwritten_unasked_nor_resumed_differently(stripes, tmp_path):
    request = TrainingRequest(stripes, tmp_path, TrainingRecipe(**{**vars(RECIPE), "epochs": 1}))
    run(request)
    with pytest.raises(EdgeError, match="holds a training already; pass `resume`"):
        run(request)
    other = replace(request.recipe, seed=1)
    with pytest.raises(EdgeError, match="was trained with seed 0, now 1"):
        run(replace(request, recipe=other, resume=True))


def test_a_model_without_its_checkpoint_is_not_overwritten_unasked(stripes, tmp_path):
    request = TrainingRequest(stripes, tmp_path, replace(RECIPE, epochs=1))
    (tmp_path / "best.keras").write_bytes(b"from another machine")
    with pytest.raises(EdgeError, match=r"holds a best\.keras already, without the checkpoint\.npz .* `out`"):
        run(request)
    with pytest.raises(EdgeError, match="nothing to resume"):
        run(replace(request, resume=True))
    assert [path.name for path in tmp_path.iterdir()] == ["best.keras"]
    assert (tmp_path / "best.keras").read_bytes() == b"from another machine"
    run(replace(request, overwrite=True))
    assert read_keras_metadata(tmp_path / "best.keras")["training"]["epoch"] == 1


def test_a_training_is_resumed_with_its_teachers_only(stripes, trained, tmp_path):
    teacher = trained.model
    other = run(TrainingRequest(stripes, tmp_path / "other", replace(RECIPE, epochs=1))).model
    request = TrainingRequest(stripes, tmp_path / "taught", replace(RECIPE, epochs=2), teachers=(teacher,))
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    for teachers in ((), (other,), (teacher, other)):
        with pytest.raises(
            EdgeError, match=f"it had 1, received {len(teachers)}; resume with the same `teacher`"
        ):
            run(replace(request, resume=True, teachers=teachers))
    moved = Path(shutil.copy(teacher, tmp_path / "moved.keras"))
    resumed = run(replace(request, resume=True, teachers=(moved,)))
    assert read_keras_metadata(resumed.model)["training"]["teachers"] == 1


def test_a_training_is_resumed_with_the_weights_that_it_began_with(stripes, tmp_path):
    one, other = (
        run(TrainingRequest(stripes, tmp_path / str(seed), replace(RECIPE, epochs=1, seed=seed))).model
        for seed in (0, 1)
    )
    request = TrainingRequest(stripes, tmp_path / "tuned", replace(RECIPE, epochs=2), init=one)
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    with pytest.raises(EdgeError, match=f"did not start from the weights of {other}.*leave `init` out"):
        make_request(None, request.out, True, False, init=other)
    for options in ({}, {"init": one.rename(tmp_path / "moved.keras")}):
        assert make_request(None, request.out, True, False, **options).resume


def test_a_network_of_ones_own_is_found_from_another_folder_and_where_it_was_moved_to(
    stripes, tmp_path, monkeypatch
):
    file, other, out = tmp_path / "net.py", tmp_path / "other" / "net.py", tmp_path / "run"
    file.write_text(OWN_NETWORK)
    monkeypatch.chdir(tmp_path)
    run(TrainingRequest(stripes, out, replace(RECIPE, arch=file.name, epochs=1)))
    other.parent.mkdir()
    monkeypatch.chdir(other.parent)
    assert len(run(make_request(None, out, True, False, epochs=2)).history) == 2
    other.write_text(OWN_NETWORK)
    with pytest.raises(EdgeError, match=r"was trained with arch /.*net\.py, now net\.py"):
        run(make_request(None, out, True, False, arch="net.py"))
    file.unlink()
    assert len(run(make_request(None, out, True, False, arch="net.py", epochs=3)).history) == 3


def test_a_training_is_not_resumed_on_other_validation_faces(stripes, tmp_path):
    request = TrainingRequest(stripes, tmp_path / "run", replace(RECIPE, epochs=2))
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    shutil.copytree(stripes, tmp_path / "other")
    (tmp_path / "other" / "validation" / "sad" / "0.png").unlink()
    with pytest.raises(EdgeError, match="the validation faces are not those of the checkpoint"):
        run(replace(request, data=tmp_path / "other", resume=True))


def test_a_checkpoint_of_an_earlier_version_goes_on(stripes, trained, tmp_path):
    """Before it knew validation faces and teachers."""
    recipe = replace(RECIPE, epochs=2)
    request = TrainingRequest(stripes, tmp_path / "run", recipe, teachers=(trained.model,))
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    groups, state = load_checkpoint(request.out)
    del state["validation_sha256"], state["teacher_sha256s"]
    save_checkpoint(request.out, groups, state)
    assert len(run(replace(request, resume=True)).history) == 2
    assert load_checkpoint(request.out)[1]["teacher_sha256s"] == [
        hashlib.sha256(trained.model.read_bytes()).hexdigest()
    ]


@pytest.mark.parametrize(
    "what", ["variables", "average", "average_updates", "history", "training_accuracy", "teacher_sha256s"]
)
def test_a_checkpoint_of_another_network_is_damaged(stripes, trained, tmp_path, what):
    groups, state = load_checkpoint(trained.model.parent)
    if what == "variables":
        groups["variables"].pop()
    elif what == "average":
        groups[what][0] = groups[what][0][:, :2]
    elif what == "history":
        state["history"] = [{"epoch": 1}]
    elif what == "training_accuracy":
        state["history"][0][what] = None
    elif what == "teacher_sha256s":
        state[what] = 1
    else:
        del state[what]
    (tmp_path / "run").mkdir()
    save_checkpoint(tmp_path / "run", groups, state)
    with pytest.raises(EdgeError, match=r"checkpoint\.npz is damaged \(.+\); train anew"):
        run(TrainingRequest(stripes, tmp_path / "run", RECIPE, resume=True))


def test_a_loss_that_is_no_number_stops_with_the_last_good_checkpoint(stripes, tmp_path):
    wild = TrainingRecipe(**{**vars(RECIPE), "learning_rate": 100.0, "weight_decay": 1.0, "epochs": 30})
    with pytest.raises(
        EdgeError, match=r"(the loss became|the loss is|the weights overflowed).*lower `learning_rate`"
    ):
        run(TrainingRequest(stripes, tmp_path, wild))
    groups, state = load_checkpoint(tmp_path)
    assert len(state["history"]) >= 1
    assert all(np.isfinite(array).all() for array in groups["variables"])


def test_a_full_disk_keeps_the_last_good_checkpoint(stripes, tmp_path):
    def fill_the_disk(record):
        # No file may grow beyond the half of a checkpoint, as if the disk were full.
        size = (tmp_path / "checkpoint.npz").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))

    try:
        with pytest.raises(
            EdgeError, match=r"cannot write .*checkpoint.npz: File too large; choose another place"
        ):
            run(TrainingRequest(stripes, tmp_path, RECIPE), fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert len(load_checkpoint(tmp_path)[1]["history"]) == 1
    assert not list(tmp_path.glob(".*"))  # nothing half-written
    assert len(run(TrainingRequest(stripes, tmp_path, RECIPE, resume=True)).history) == RECIPE.epochs


def test_resuming_needs_the_folder_only_and_more_epochs_lengthen(stripes, tmp_path, forked_toolkit):
    out = tmp_path / "one"
    first = ["--arch", "fully-connected", "--epochs", "2", "--batch-size", "16", "--classes", "sad,happy"]
    assert forked_toolkit("train", "--data", stripes, "--out", out, *first).returncode == 0
    done = forked_toolkit("train", "--out", out, "--resume", "--epochs", "3")
    assert done.returncode == 0, done.stderr
    history = load_checkpoint(out)[1]["history"]
    assert [record["epoch"] for record in history] == [1, 2, 3]
    assert read_keras_metadata(out / "best.keras")["labels"] == ["sad", "happy"]
    fewer = forked_toolkit("train", "--out", out, "--resume", "--epochs", "1")
    assert fewer.returncode == 1
    assert "has trained 3 epochs already, more than --epochs 1" in fewer.stderr


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(stripes, tmp_path):
    out = tmp_path / "run one"
    command = [
        *(sys.executable, "-m", "toolkit", "train", "--data", stripes, "--out", out),
        *("--arch", "fully-connected", "--epochs", "100000"),
    ]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as training:
        for line in training.stderr:
            if line.startswith("epoch "):
                break
        training.send_signal(signal.SIGINT)
        rest = training.stderr.read()
    assert training.returncode == 1
    assert "error: interrupted; " in rest
    assert f"go on with: toolkit train --out '{out}' --resume" in rest
    assert (out / "best.keras").exists()
