"""No command writes over what it reads, nor finds out after its work that it cannot write."""

import os
import shutil

import pytest

from device.errors import UsageError
from toolkit.outputs import refuse_output

pytestmark = pytest.mark.toolkit


@pytest.fixture
def inputs(tmp_path, tiny_keras, tiny_tflite, evaluated):
    """Inputs of every command in a folder that may be spoilt, with links to them."""
    for source in (tiny_keras, tiny_tflite, evaluated):
        shutil.copy(source, tmp_path / source.name)
    (tmp_path / "link.keras").symlink_to(tmp_path / tiny_keras.name)
    (tmp_path / "link.html").symlink_to(tmp_path / evaluated.name)
    (tmp_path / "hard.json").hardlink_to(tmp_path / tiny_tflite.name)
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n")
    (tmp_path / "sheet.png").symlink_to(tmp_path / "fer2013.csv")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "quantize --model tiny.keras --out tiny.keras",
        "quantize --model tiny.keras --out link.keras",
        "quantize --model link.keras --untrained --results tiny.keras",
        "evaluate --model tiny_int8.tflite --data fer2013.csv --out tiny_int8.tflite",
        "evaluate --model tiny.keras --model tiny_int8.tflite --data fer2013.csv --out ./hard.json",
        "evaluate --model tiny_int8.tflite --data fer2013.csv --out fer2013.csv",
        "benchmark --model tiny.keras --baseline tiny_int8.tflite --out tiny_int8.tflite",
        "report evaluate.json --out evaluate.html",
        "report evaluate.json --out link.html",
        "deploy pi@nowhere --model tiny_int8.tflite --out hard.json --dry-run",
        "data inspect evaluate.json --out link.html",
        "data synth --fit fer2013.csv --out sheet.png",
        "train --data fer2013.csv --out . --init best.keras",
        "train --data fer2013.csv --out . --teacher tiny.keras --teacher link.keras",
    ],
)
def test_an_output_that_is_an_input_is_wrong_use_and_replaces_nothing(
    toolkit_command, inputs, monkeypatch, command
):
    monkeypatch.chdir(inputs)
    if command.startswith("train"):
        os.symlink("tiny.keras", "best.keras")
    before = {path.name: path.read_bytes() for path in inputs.iterdir()}
    done = toolkit_command(*command.split(), "--overwrite")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "would replace" in done.stderr
    assert {path.name: path.read_bytes() for path in inputs.iterdir()} == before


def test_a_results_file_is_not_the_model_itself(toolkit_command, tiny_keras, tmp_path):
    out = tmp_path / "a.tflite"
    done = toolkit_command("quantize", "--model", tiny_keras, "--untrained", "--out", out, "--results", out)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--results would replace the model at {out}" in done.stderr


def test_quantize_writes_a_tflite_only(toolkit_command, tiny_keras, tmp_path):
    done = toolkit_command("quantize", "--model", tiny_keras, "--untrained", "--out", tmp_path / "k.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a file ending in .tflite to write; received" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_inputs_that_are_not_given_or_no_files_are_passed_over(tmp_path):
    (tmp_path / "there").write_text("")
    refuse_output(tmp_path / "new", False, (None, "synthetic", tmp_path / "new", tmp_path / "there"))
    with pytest.raises(UsageError, match="would replace"):
        refuse_output(tmp_path / "there", False, (tmp_path / "there",))
