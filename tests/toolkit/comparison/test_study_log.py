"""The log of a sweep's study, damaged or hostile: one line."""

import contextlib
import json
import multiprocessing
import os
import resource
import types
from dataclasses import replace
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna", reason="sweeps need the [sweep] extra")
keras = pytest.importorskip("keras", reason="sweeps need the [toolkit] extra")

from optuna.storages.journal import _file as journal_file
from optuna.trial import TrialState

from device.errors import EdgeError
from toolkit.comparison.space import read_space
from toolkit.comparison.sweep import (
    STUDY,
    STUDY_FILE,
    SweepRequest,
    folder_of,
    give_back_abandoned,
    open_study,
)

pytestmark = pytest.mark.toolkit
HEAD = {"op_code": 0, "worker_id": "a", "study_name": STUDY, "directions": [1]}


@pytest.fixture
def request_for(tmp_path):
    (tmp_path / "space.toml").write_text("learning_rate = {low = 0.01, high = 0.1}\nepochs = 1\n")
    (tmp_path / "out").mkdir()
    return SweepRequest(tmp_path / "faces", tmp_path / "out", read_space(tmp_path / "space.toml"), 1)


@pytest.mark.parametrize(
    "log",
    [b"garbage\nmore\n", b"\xff\xfe\0\n", b"[1]\n[2]\n", b"{}\n{}\n", b'{"op_code": 99, "worker_id": "a"}\n'],
)
def test_a_damaged_log_is_refused(request_for, log):
    (request_for.out / STUDY_FILE).write_bytes(log + json.dumps(HEAD).encode() + b"\n")
    with pytest.raises(EdgeError, match=r"study\.log is damaged \(.*\); remove it and its trials") as refused:
        open_study(request_for)
    assert "\n" not in str(refused.value)


def test_a_pipe_in_place_of_the_log_is_not_waited_for(request_for):
    os.mkfifo(request_for.out / STUDY_FILE)
    with pytest.raises(EdgeError, match="no regular file"):
        open_study(request_for)


def die_while_writing(request):
    os.fsync = lambda _: os._exit(9)
    open_study(request)


def test_a_worker_that_was_killed_while_it_wrote_locks_nobody_out(request_for, monkeypatch):
    monkeypatch.chdir(request_for.out.parent)
    request = replace(request_for, out=Path("out"))
    killed = multiprocessing.get_context("fork").Process(target=die_while_writing, args=(request,))
    killed.start()
    killed.join()
    assert len(list(request.out.glob(f"{STUDY_FILE}*"))) == 2  # the log and its lock
    seconds = iter(range(200))  # a clock that runs out: no test waits for half a minute
    clock = types.SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda _: None)
    monkeypatch.setattr(journal_file, "time", clock)
    assert open_study(request).study_name == STUDY


@pytest.mark.parametrize("folder", ["../../elsewhere", "/tmp/elsewhere", "trial-1/../..", ""])
def test_a_trial_keeps_to_its_folder(request_for, folder):
    study = open_study(request_for)
    study.enqueue_trial({"learning_rate": 0.05}, user_attrs={"folder": folder})
    with pytest.raises(EdgeError, match=r"study\.log is damaged \(a trial in the folder"):
        open_study(request_for)


@contextlib.contextmanager
def room_for(log, more_bytes):
    """No file may grow beyond what the log has and these, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + more_bytes, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_full_disk_costs_the_line_that_it_refused_alone(request_for):
    """Half of that is in the log: it is cut off by whoever writes next, a worker that goes on or a new one."""
    first, other = open_study(request_for), open_study(request_for)
    log = request_for.out / STUDY_FILE
    for next_one in (lambda: other, lambda: open_study(request_for)):
        with (
            room_for(log, 20),
            pytest.raises(
                EdgeError, match=r"cannot write .*study\.log: File too large; choose another place"
            ),
        ):
            first.ask()
        assert not log.read_bytes().endswith(b"\n")
        next_one().ask()
    assert len(open_study(request_for).trials) == 2


def test_a_disk_that_is_still_full_loses_no_trial_of_a_dead_worker(request_for):
    study = open_study(request_for)
    study.ask(request_for.space.chosen)
    states, room = [TrialState.RUNNING], 0
    while states != [TrialState.WAITING]:
        room += 10
        with room_for(request_for.out / STUDY_FILE, room):
            give_back_abandoned(study, request_for.out)
        states = list({folder_of(one): one.state for one in study.trials}.values())
        assert states != [TrialState.FAIL]
