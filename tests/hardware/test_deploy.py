"""``toolkit deploy`` to a board behind a real sshd: copy, switch, measure, take back.

The environment on the board comes from the package index: a minute at the first deploy.
"""

import json
import os
import sys

import pytest

pytestmark = pytest.mark.toolkit


def test_dry_run_changes_nothing(deploy, board, tiny_tflite):
    done = deploy("board", "--model", tiny_tflite, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["verdict"] == "planned"
    assert list(board[1].iterdir()) == []


def test_a_host_that_is_not_there_fails_alone_and_nothing_is_written(deploy, tiny_tflite, tmp_path):
    done = deploy("gone", "--model", tiny_tflite, "--out", tmp_path / "r.json")
    assert done.returncode == 1
    assert "failed    gone: " in done.stdout
    assert "Connection refused" in done.stdout
    assert not (tmp_path / "r.json").exists()


def test_a_python_that_is_missing_is_named(deploy, tiny_tflite):
    done = deploy("board", "--model", tiny_tflite, "--python", "/no/python")
    assert done.returncode == 1
    assert "no Python as '/no/python', expected 3.11 or newer" in done.stdout


def test_deploys_measures_and_comes_into_the_report(deploy, board, tiny_tflite, toolkit_command, tmp_path):
    home = board[1] / "fer-edge"
    done = deploy("board", "gone", "--model", tiny_tflite, "--python", sys.executable, "--out", tmp_path / "r.json",
                  "--runs", "50")  # fmt: skip
    assert done.returncode == 1  # one of the two hosts is not there
    assert "installed board: tiny_int8.tflite, p50 " in done.stdout
    assert "nothing runs it yet: ~/fer-edge/current/bin/device run; for a service" in done.stdout
    assert "board: 8/8 switching" in done.stderr
    assert installed(board) == tiny_tflite.read_bytes()
    assert (home / "current" / "bin" / "device").exists()
    assert sorted(one.name for one in home.iterdir()) == [".lock", "current", "venvs", "wheels"]
    (latency,) = json.loads((tmp_path / "r.json").read_text())["models"][0]["latencies"]
    assert latency["stages"]["classify"]["n"] == 50
    assert latency["target"] not in ("host", "")
    done = toolkit_command("report", tmp_path / "r.json", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr


def test_a_second_model_replaces_the_first_and_what_nothing_names_is_dropped(deploy, board, twin_tflite):
    home = board[1] / "fer-edge"
    (environment,) = (home / "venvs").iterdir()
    for name in ("venvs/before", "venvs/older", "wheels/before", "wheels/older", "models"):
        (home / name).mkdir()
    (home / "models" / "older.tflite").touch()
    os.utime(home / "models" / "older.tflite", (0, 0))  # what was copied just now may be another deploy's
    (home / "previous").symlink_to("venvs/before")
    done = deploy("board", "--model", twin_tflite, "--python", sys.executable, "--runs", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(board) == twin_tflite.read_bytes()
    assert set((home / "venvs").iterdir()) == {environment, home / "venvs" / "before"}
    assert {one.name for one in (home / "wheels").iterdir()} == {environment.name, "before"}
    assert not (home / "models").exists()
    for name in ("venvs/before", "wheels/before"):
        (home / name).rmdir()
    (home / "previous").unlink()


@pytest.mark.parametrize(
    ("broken", "step"), [("run", "trying"), ("benchmark", "benchmarking"), ("install", "switching")]
)
def test_what_fails_on_the_board_is_not_switched_to(broken, step, deploy, board, tiny_tflite):
    home = board[1] / "fer-edge"
    before, current = installed(board), (home / "current").resolve()
    script = current / "bin" / "device"
    kept = script.read_text()
    # Stands for a board on which this one command breaks.
    script.write_text(
        f'#!/bin/sh\nif test "$1" = {broken}; then echo "error: it is broken" >&2; exit 1; fi\n'
        f'exec {current}/bin/python -m device "$@"\n'
    )
    try:
        done = deploy("board", "--model", tiny_tflite, "--python", sys.executable, "--runs", "20")
    finally:
        script.write_text(kept)
    assert done.returncode == 1
    assert f"it is broken (while {step})" in done.stdout
    assert installed(board) == before != tiny_tflite.read_bytes()
    assert (home / "current").resolve() == current
    assert not list(home.glob(".current*"))


def installed(board) -> bytes:
    """The model that 'device run' on the board uses."""
    return (board[1] / "state" / "current").read_bytes()
