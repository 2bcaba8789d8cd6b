"""Installing, rolling back and trying models, with real files and a real interpreter."""

import json
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError
from device.model.expression_model import load_model
from device.model.file.associated_files import graph_bytes
from device.model.file.metadata import read_metadata
from device.runtime.build import run_with
from device.runtime.options import RunOptions
from device.runtime.stopping import Stop
from device.service import model_store
from device.service.model_store import begin_run, current_model, install_model, mark_good, roll_back


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


def test_a_model_of_others_is_installed_with_the_labels_that_the_error_asks_for(home, tiny_model, tmp_path):
    bare, labels = tmp_path / "somebody's model.tflite", read_metadata(tiny_model).labels
    # The name is blanked, or the missing end of the file would be noticed.
    bare.write_bytes(graph_bytes(tiny_model.read_bytes()).replace(b"fer_edge.json", b"other_one.txt"))
    with pytest.raises(
        EdgeError, match=r"carries no labels.* its 7 outputs itself; append a labels.txt"
    ) as raised:
        install_model(bare)
    command = str(raised.value).partition("model): python3")[2]
    (tmp_path / "labels.txt").write_text("\n".join(labels))
    subprocess.run(f"{shlex.quote(sys.executable)}{command}", shell=True, cwd=tmp_path, check=True)
    install_model(bare)
    assert load_model(current_model()).labels == labels


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


def test_a_disk_that_takes_no_model_is_told_and_left_as_it_was(home, models):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (models[0].stat().st_size // 2, hard))
    try:
        with pytest.raises(EdgeError, match="cannot write"):
            install_model(models[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not home.exists()
    assert install_model(models[0]).previous is None


def test_nothing_to_roll_back_is_said(home):
    with pytest.raises(EdgeError, match="nothing was ever installed"):
        roll_back()
    assert not home.exists()


def test_a_model_that_is_never_healthy_is_taken_back(home, models):
    install_model(models[0])
    mark_good(current_model().name)
    install_model(models[1])
    assert [begin_run() for _ in range(model_store.MOST_STARTS)] == [None] * model_store.MOST_STARTS
    assert recipe() == "recipe 1"
    assert "never healthy" in begin_run()
    assert recipe() == "recipe 0"
    assert begin_run() is None


def test_minutes_of_results_end_the_trial(home, models):
    install_model(models[0])
    now = [0.0]
    sink = model_store.TrialSink(current_model().name, clock_s=lambda: now[0])
    sink.write(None)
    now[0] = model_store.GOOD_AFTER_S - 1
    sink.write(None)
    assert json.loads((home / "trial.json").read_text())["starts"] == 0
    now[0] += 1
    sink.write(None)
    assert not (home / "trial.json").exists()


def test_a_run_with_the_old_model_does_not_end_the_trial_of_the_new_one(home, models):
    old, now = install_model(models[0]).current.name, [0.0]
    sink = model_store.TrialSink(old, clock_s=lambda: now[0])
    sink.write(None)
    install_model(models[1])
    begin_run()
    now[0] = model_store.GOOD_AFTER_S
    sink.write(None)
    with model_store.spared_start(old):
        pass
    assert json.loads((home / "trial.json").read_text()) == {"model": current_model().name, "starts": 1}


def run(*arguments, **kwargs) -> subprocess.CompletedProcess:
    command = [Path(sys.executable).with_name("device"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **kwargs)


def test_runs_that_end_by_themselves_do_not_count(home, models):
    install_model(models[0])
    for _ in range(model_store.MOST_STARTS + 1):
        done = run("run", "-q", "--source", "demo:3")
        assert (done.returncode, done.stderr) == (0, "")
    assert recipe() == "recipe 0"


@pytest.mark.parametrize("options", [("--source", "usb:97"), ("--source", "demo", "--mqtt-topic", "+")])
def test_a_camera_or_output_that_does_not_open_does_not_count(home, models, options):
    install_model(models[0])
    for _ in range(model_store.MOST_STARTS):
        assert run("run", "-q", "--mqtt", "127.0.0.1:9", *options).returncode in (1, 2)
    assert json.loads((home / "trial.json").read_text())["starts"] == 0


def test_a_run_that_is_killed_counts(home, models):
    install_model(models[0])
    # The watchdog's way: no time to clean up.
    program = [
        Path(sys.executable).with_name("device"),
        "run",
        "--source",
        "demo:live",
        "--output",
        "rows.jsonl",
    ]
    process = subprocess.Popen(program, cwd=home)
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and not (home / "rows.jsonl").exists():
        time.sleep(0.05)
    process.kill()
    process.wait(60)
    assert json.loads((home / "trial.json").read_text())["starts"] == 1


def test_a_crash_in_the_model_counts(home, models, monkeypatch):
    install_model(models[0])

    def crash(self, crops):
        raise RuntimeError("the interpreter gave up")  # what no whole model file makes it do

    monkeypatch.setattr("device.model.expression_model.ExpressionModel.predict", crash)
    with pytest.raises(RuntimeError):
        run_with(RunOptions(source="demo:60"), Stop())
    assert json.loads((home / "trial.json").read_text())["starts"] == 1


def test_a_model_that_cannot_be_loaded_counts(home, models):
    install_model(models[0])
    current_model().write_bytes(b"a broken disk")
    assert run("run", "-q", "--source", "demo:3").returncode == 1
    assert json.loads((home / "trial.json").read_text())["starts"] == 1


def test_an_installed_model_that_is_gone_is_told_until_it_is_mended(home, models):
    lost = install_model(models[0]).current
    mark_good(lost.name)
    lost.unlink()
    for _ in range(2):
        done = run("run", "-q", "--source", "demo:3", "--detector", "haar")
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert done.stderr.startswith(
            f"warning: the installed model {lost} is missing, the packaged model runs"
        )
    done = run("doctor", "--source", "demo", "-q")
    assert done.returncode == 1
    assert f"fail model       the installed model {lost} is missing" in done.stdout
    done = run("rollback")
    assert (done.returncode, done.stderr) == (0, "")
    assert run("run", "-q", "--source", "demo:3", "--detector", "haar").stderr == ""
    assert "nothing was ever installed" in run("rollback").stderr


def test_info_and_benchmark_show_the_model_that_runs(home, models):
    installed = install_model(models[0]).current
    trial = (home / "trial.json").read_text()
    assert json.loads(run("info", "--json").stdout)["path"] == str(installed)
    done = run("benchmark", "--json", "--runs", "5", "--warmup", "1", "--loop", "1")
    document = json.loads(done.stdout)
    assert document["models"][0]["path"] == document["loop"]["options"]["model"] == str(installed)
    assert (home / "trial.json").read_text() == trial
    installed.unlink()
    for command in (("info",), ("benchmark", "--runs", "5", "--warmup", "1")):
        done = run(*command)
        assert done.returncode == 0
        assert f"the installed model {installed} is missing" in done.stderr


def test_a_lost_model_is_replaced_by_the_one_before(home, models):
    install_model(models[0])
    install_model(models[1]).current.unlink()
    assert roll_back().previous is None
    assert recipe() == "recipe 0"
    install_model(models[1]).current.unlink()
    install_model(models[1])
    assert recipe() == "recipe 1"
    assert model_store.lost_model() is None


def test_a_damaged_trial_note_is_ignored(home, models):
    install_model(models[0])
    for content in ("", "[]", "{}", '{"starts": "x"}', '{"starts": 9, "model": [1]}'):
        (home / "trial.json").write_text(content)
        assert begin_run() is None


@pytest.mark.parametrize(
    ("last", "good"),
    [
        ((0.25, 0.75), True),
        ((0.25, 0.25), True),  # a sigmoid a class
        ((-0.25, 1.0), False),
        ((0.25, 1.25), False),
        ((np.nan, 1.0), False),
    ],
)
def test_a_model_that_gives_no_probabilities_is_refused(last, good):
    """No whole file makes the interpreter answer so: the answers are given."""

    class Model:
        path = Path("m.tflite")

        def predict(self, crops):
            return np.array([[0.5, 0.5]] * (len(crops) - 1) + [last])

    if good:
        assert model_store.smoke_test(Model()) >= 0
        return
    with pytest.raises(EdgeError, match=r"m.tflite gives no probabilities: \["):
        model_store.smoke_test(Model())
