"""``toolkit deploy`` to a board behind a real sshd: copy, switch, measure, take back.

The environment on the board comes from the package index: a minute at the first deploy.
"""

import json
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
    assert "deployed  board: tiny_int8.tflite runs as release " in done.stdout
    assert "board: 7/7 benchmarking" in done.stderr
    current = (home / "current").resolve()
    assert (current / "model.tflite").read_bytes() == tiny_tflite.read_bytes()
    assert (current / "venv" / "bin" / "device").exists()
    assert not list(home.rglob("*.part"))
    assert not list(home.glob(".smoke*"))
    (latency,) = json.loads((tmp_path / "r.json").read_text())["models"][0]["latencies"]
    assert latency["stages"]["classify"]["n"] == 50
    assert latency["target"] not in ("host", "")
    done = toolkit_command("report", tmp_path / "r.json", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr


def test_a_second_model_replaces_the_first_which_stays_as_previous(deploy, board, twin_tflite):
    home = board[1] / "fer-edge"
    before = (home / "current").resolve()
    environments = set((home / "venvs").iterdir())
    done = deploy("board", "--model", twin_tflite, "--python", sys.executable, "--runs", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "current" / "model.tflite").read_bytes() == twin_tflite.read_bytes()
    assert (home / "previous").resolve() == before
    assert set((home / "venvs").iterdir()) == environments  # the same wheel, the same environment


def test_a_release_that_fails_its_test_is_taken_back(deploy, board, tiny_tflite):
    home = board[1] / "fer-edge"
    before = (home / "current").resolve()
    releases = set((home / "releases").iterdir())
    (environment,) = (home / "venvs").iterdir()
    script = environment / "bin" / "device"
    kept = script.read_text()
    # Stands for a board on which the frame loop breaks, though the model alone is sound.
    script.write_text(
        '#!/bin/sh\ntest "$1" = doctor && exit 0\necho "error: the camera stack is broken" >&2\nexit 1\n'
    )
    try:
        done = deploy("board", "--model", tiny_tflite, "--python", sys.executable)
    finally:
        script.write_text(kept)
    assert done.returncode == 1
    assert "the camera stack is broken (while switching and testing)" in done.stdout
    assert (home / "current").resolve() == before
    assert set((home / "releases").iterdir()) == releases
    assert not list(home.glob(".current*"))
