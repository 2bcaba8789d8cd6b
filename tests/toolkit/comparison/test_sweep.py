"""Sweeps through the command line: several processes on one study, pruning, what a killed worker leaves."""

import collections
import json
import os
import resource
import time

import pytest

optuna = pytest.importorskip("optuna", reason="sweeps need the [sweep] extra")

from forked_toolkit import ForkedToolkit

from device.errors import EdgeError
from toolkit.comparison.space import read_space

NETWORK = """
import keras
def build(class_count):
    layers = [keras.layers.Conv2D(8, 5, 2, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    end = keras.layers.Dense(class_count, activation="softmax")
    return keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Rescaling(1 / 255), *layers, end])
"""
COMMON = 'batch_size = 16\ndtype_policy = "float32"\naugmentation = 0\n'


def space_file(folder, text):
    (folder / "net.py").write_text(NETWORK)
    path = folder / "space.toml"
    path.write_text(f'arch = "{folder / "net.py"}"\n{COMMON}{text}')
    return path


def start(data, space, out, trials):
    return ForkedToolkit(
        "sweep", "--data", data, "--space", space, "--out", out, "--trials", trials, "--json"
    )


def ended(worker):
    out, err = worker.communicate(timeout=600)
    assert worker.returncode == 0, err
    return json.loads(out), err


def test_a_space_has_values_lists_and_ranges(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(
        'epochs = 5\narch = ["small", "compact"]\nfreeze_epochs = {low = 0, high = 4}\n'
        "learning_rate = {low = 0.01, high = 1, log = true}\n"
    )
    space = read_space(path)
    assert space.fixed == {"epochs": 5}
    assert space.chosen == {
        "arch": optuna.distributions.CategoricalDistribution(["small", "compact"]),
        "freeze_epochs": optuna.distributions.IntDistribution(0, 4),
        "learning_rate": optuna.distributions.FloatDistribution(0.01, 1.0, log=True),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learnin_rate = [0.1, 0.2]", "no training option 'learnin_rate'; did you mean 'learning_rate'"),
        ('optimizer = ["sgd", "lion"]', "optimizer must be one of sgd, adam, adamw, not lion"),
        ("epochs = [1.5]", "epochs must be of type int, not 1.5"),
        ("learning_rate = {low = 0.1}", "learning_rate is {'low': 0.1}; expected a range, such as"),
        ("learning_rate = {low = 0.1, high = 1000}", "learning_rate must be from 1e-08 to 100.0, not 1000.0"),
        ("learning_rate = {low = 0.2, high = 0.1}", "`low <= high`|low must be|smaller than or equal"),
        ("learning_rate = {low = 0.1, high = 0.2, logg = true}", "unexpected keyword argument 'logg'"),
        ("optimizer = {low = 1, high = 2}", "expected a list of values"),
        ('arch = ["small", "gone.py"]', "no architecture at gone.py"),
        ("epochs = 5", "leaves nothing to choose"),
        (f"epochs = [{'9' * 400}]", "epochs must be from 1 to 100000, not 999"),
        (f"learning_rate = {{low = 0.1, high = 0.2, step = {'9' * 400}}}", "too large"),
        (f"epochs = {'[' * 5000}", r"cannot read the space .*recursion depth"),
        (f"epochs = {'9' * 5000}", r"cannot read the space .*4300 digits"),
    ],
)
def test_a_wrong_space_is_one_line(text, message, tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(EdgeError, match=message):
        read_space(path)


@pytest.mark.toolkit
def test_two_workers_share_the_trials_and_a_bad_one_is_pruned(stripes, tmp_path):
    space = space_file(tmp_path, "epochs = 2\nlearning_rate = {low = 0.1, high = 0.2}\n")
    out = tmp_path / "out"
    workers = [start(stripes, space, out, 6) for _ in range(2)]
    done = [ended(worker) for worker in workers]
    trained = collections.Counter(
        line.split(": ")[0] for _, said in done for line in said.splitlines() if ": learning_rate " in line
    )
    assert trained == {f"trial-{number:03d}": 1 for number in range(6)}  # each by one worker, once
    assert all(any(": learning_rate " in line for line in said.splitlines()) for _, said in done)

    # It is a study of Optuna's own; a trial that somebody puts in its queue is trained, and this one falls behind.
    backend = optuna.storages.journal.JournalFileBackend(str(out / "study.log"))
    study = optuna.load_study(study_name="sweep", storage=optuna.storages.JournalStorage(backend))
    assert len(study.trials) == 6
    study.enqueue_trial({"learning_rate": 1e-7})
    found, _ = ended(start(stripes, space, out, 7))
    assert found["states"] == {"complete": 6, "pruned": 1}
    (pruned,) = [row for row in found["trials"] if row["state"] == "pruned"]
    assert pruned["options"] == {"learning_rate": 1e-7}
    assert pruned["epochs"] < 2
    values = [row["validation_loss"] for row in found["trials"][:6]]
    assert values == sorted(values)
    assert found["best"]["validation_loss"] == study.best_value == values[0]
    assert os.path.exists(found["best"]["model"])

    space.write_text(space.read_text().replace("0.2", "0.3"))
    other = start(stripes, space, out, 8)
    assert "holds a sweep of other data or another space" in other.communicate(timeout=600)[1]
    assert other.returncode == 1


@pytest.mark.toolkit
def test_the_trial_of_a_killed_worker_goes_on(stripes, tmp_path):
    space = space_file(tmp_path, "epochs = 25\nlearning_rate = [0.1]\n")
    history = tmp_path / "out" / "trial-000" / "training" / "history.csv"
    worker = start(stripes, space, tmp_path / "out", 1)
    while not history.exists():
        assert worker.returncode is None
        time.sleep(0.02)
    worker.kill()
    worker.communicate(60)
    found, said = ended(start(stripes, space, tmp_path / "out", 1))
    assert "resumed after epoch" in said
    assert found["states"] == {"complete": 1}
    assert len(history.read_text().splitlines()) == 26


@pytest.mark.toolkit
@pytest.mark.parametrize(("refused", "trials"), [("trial-000.*best.keras", 2), ("study.log", 1)])
def test_a_full_disk_fails_no_trial(stripes, tmp_path, monkeypatch, refused, trials):
    from toolkit.comparison import sweep as module
    from toolkit.comparison.sweep import SweepRequest, open_study, sweep

    space = space_file(tmp_path, "epochs = 1\nlearning_rate = [0.1]\n")
    request = SweepRequest(stripes, tmp_path / "out", read_space(space), trials)
    log = request.out / "study.log"
    if refused == log.name:  # larger than all that a training writes
        request.out.mkdir()
        open_study(request).set_user_attr("any", "x" * 1_000_000)

    def train(*args, **options):
        # No file may grow beyond this, as if the disk were full.
        limit = log.stat().st_size + 20 if refused == log.name else 10_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        return trained(*args, **options)

    trained = module.train
    try:
        with monkeypatch.context() as patched:
            patched.setattr(module, "train", train)
            with pytest.raises(EdgeError, match=rf"cannot write .*{refused}: File too large"):
                sweep(request)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert sweep(request)["states"] == {"complete": trials}
