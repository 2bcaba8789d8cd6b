"""Files of earlier releases are still read: settings, models, results, rows, trainings and units.

tests/kept/make_kept.py made them.
"""

import csv
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked_toolkit import forked_toolkit

KEPT = [
    path for path in sorted((Path(__file__).parent / "kept").iterdir()) if (path / "config.toml").is_file()
]
pytestmark = pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name)


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def folder(kept, tmp_path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "board"))


def test_settings_run_a_model(folder):
    run(folder, "device", "config", "check", "config.toml")
    options = ("--config", "config.toml", "--model", "tiny_int8.tflite", "--json", "--dry-run-rules")
    said = run(folder, "device", "run", *options)
    assert json.loads(said.stdout)["frames"] == 20


def test_a_model_tells_what_it_is(folder):
    said = json.loads(run(folder, "device", "info", "tiny_int8.tflite", "--json").stdout)
    assert len(said["labels"]) == 7
    metadata = said["metadata"]
    assert (metadata["recipe"], metadata["crop_margin"], metadata["aligned"]) == ("int8", 1.22, True)


def test_rows_go_on(folder):
    rows = ("--source", "demo:5", "--model", "tiny_int8.tflite", "--detector", "haar", "--append", "-q")
    for name in ("rows.jsonl", "rows.csv"):
        run(folder, "device", "run", *rows, "--output", name)
    before, *_, after = (json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines())
    assert set(before) <= set(after)
    assert before["schema"] == after["schema"] == 1
    with open(folder / "rows.csv", newline="") as file:
        table = list(csv.reader(file))
    assert {len(row) for row in table} == {len(table[0])}


@pytest.mark.toolkit
def test_results_make_a_report(folder):
    pytest.importorskip("jinja2", reason="reports need the [toolkit] extra")
    names = sorted(path.name for path in folder.glob("*.json"))
    assert len(names) == 6
    run(folder, "toolkit", "report", *names, "--out", "report.html", "-q")
    page = (folder / "report.html").read_text()
    assert "tiny_int8" in page


@pytest.mark.toolkit
def test_a_keras_file_is_quantized(folder, monkeypatch):
    pytest.importorskip("keras", reason="quantizing needs the [toolkit] extra")
    monkeypatch.chdir(folder)
    done = forked_toolkit("quantize", "--model", "tiny.keras", "--out", "new.tflite", "--untrained", "-q")
    assert done.returncode == 0, done.stderr
    assert (folder / "new.tflite").stat().st_size > 1000


@pytest.mark.toolkit
def test_a_training_goes_on(folder, monkeypatch):
    pytest.importorskip("keras", reason="training needs the [toolkit] extra")
    monkeypatch.chdir(folder)
    resume = ("--out", "training", "--resume", "--epochs", "2", "-q")
    done = forked_toolkit("train", *resume, "--data", "faces")  # the place where they were is gone
    assert done.returncode == 0, done.stderr
    with open(folder / "training" / "history.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_what_a_service_runs_is_still_understood(folder):
    """An update leaves the unit that is there: all of its options must be known, and mean what they meant."""
    (started,) = [
        line.removeprefix("ExecStart=")
        for line in (folder / "fer-edge.service").read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    program, command, quiet, *options = shlex.split(started)
    assert (Path(program).name, command, quiet) == ("device", "run", "-q")
    shown = run(folder, "device", "service", "show", "--", *options).stdout
    (now,) = [line for line in shown.splitlines() if line.startswith("ExecStart=")]
    assert shlex.split(now)[1:] == [command, quiet, *options]
