"""No command writes over what it reads, nor finds out after its work that it cannot write."""

import os
import shutil

import pytest

from device.errors import EdgeError, UsageError
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
    (tmp_path / "labels.json").write_text(
        '["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]'
    )
    (tmp_path / "boards.ini").write_text("[kitchens]\npi@nowhere\n")
    (tmp_path / "sheet.png").symlink_to(tmp_path / "fer2013.csv")
    return tmp_path


def test_a_link_that_leads_nowhere_is_replaced_by_nothing_unasked(tmp_path):
    (tmp_path / "page.html").symlink_to("/nowhere/page.html")
    with pytest.raises(EdgeError, match=r"page\.html exists already; pass `overwrite`"):
        refuse_output(tmp_path / "page.html", overwrite=False)
    refuse_output(tmp_path / "page.html", overwrite=True)


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
        "evaluate --model tiny_int8.tflite --data fer2013.csv --labels labels.json --out labels.json",
        "benchmark --model tiny_int8.tflite --labels labels.json --out labels.json",
        "quantize --model tiny.keras --untrained --labels labels.json --results labels.json",
        "deploy pi@nowhere --model tiny_int8.tflite --out hard.json --dry-run",
        "deploy --inventory boards.ini:kitchens --out boards.ini --dry-run",
        "data inspect evaluate.json --out link.html",
        "train --data fer2013.csv --out . --init best.keras",
        "train --data fer2013.csv --out . --arch best.keras",
        "train --data fer2013.csv --out . --teacher tiny.keras --teacher link.keras",
    ],
)
def test_an_output_that_is_an_input_is_wrong_use_and_replaces_nothing(
    forked_toolkit, inputs, monkeypatch, command
):
    monkeypatch.chdir(inputs)
    if command.startswith("train"):
        os.symlink("tiny.keras", "best.keras")
    before = {path.name: path.read_bytes() for path in inputs.iterdir()}
    done = forked_toolkit(*command.split(), "--overwrite")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "would replace" in done.stderr
    assert {path.name: path.read_bytes() for path in inputs.iterdir()} == before


@pytest.mark.parametrize("command", ["report {evaluated}", "data inspect synthetic"])
def test_a_page_is_an_html_file_in_letters_of_either_case(forked_toolkit, evaluated, tmp_path, command):
    asked = command.format(evaluated=evaluated).split()
    done = forked_toolkit(*asked, "--out", tmp_path / "page.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"expected a file ending in .html for --out; received {tmp_path}/page.txt" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = forked_toolkit(*asked, "--out", tmp_path / "PAGE.HTML", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "PAGE.HTML").read_text().startswith("<!doctype html>")
    assert (tmp_path / "PAGE.json").exists()


def test_a_results_file_is_not_the_model_itself(forked_toolkit, tiny_keras, tmp_path):
    out = tmp_path / "a.tflite"
    done = forked_toolkit("quantize", "--model", tiny_keras, "--untrained", "--out", out, "--results", out)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--results would replace the model at {out}" in done.stderr


def test_quantize_writes_a_tflite_only(forked_toolkit, tiny_keras, tmp_path):
    done = forked_toolkit("quantize", "--model", tiny_keras, "--untrained", "--out", tmp_path / "k.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a file ending in .tflite to write; received" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_inputs_that_are_not_given_or_no_files_are_passed_over(tmp_path):
    (tmp_path / "there").write_text("")
    refuse_output(tmp_path / "new", False, (None, "synthetic", tmp_path / "new", tmp_path / "there"))
    with pytest.raises(UsageError, match="would replace"):
        refuse_output(tmp_path / "there", False, (tmp_path / "there",))


@pytest.fixture
def closed(tmp_path):
    """A folder in which nothing may be written."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "quantize --model {keras} --data /nowhere --untrained --out {out}/deeper/x.tflite",
        "quantize --model {keras} --data /nowhere --untrained --results {out}/x.json",
        "evaluate --model {tflite} --data /nowhere --out {out}/x.json",
        "benchmark --model /nowhere.tflite --out {out}/x.json",
        "report /nowhere.json --out {out}/x.html",
        "data inspect /nowhere --out {out}/x.html",
        "train --data /nowhere --out {out}/run",
    ],
)
def test_a_place_that_cannot_be_written_is_found_before_anything_is_read(
    toolkit_of_a_user, tiny_keras, tiny_tflite, closed, tmp_path, command
):
    """The data and models do not exist: whoever looks for them first says so."""
    for place, reason in ((closed, "Permission denied"), ("/proc", "No such file or directory")):
        asked = command.format(out=place, keras=tiny_keras, tflite=tiny_tflite)
        done = toolkit_of_a_user(*asked.split())
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"error: cannot write in {place}")
        assert reason in done.stderr


@pytest.mark.parametrize("out", ["README.md", "README.md/run"])
def test_a_training_folder_that_is_a_file_is_found_before_the_data_is_read(forked_toolkit, tmp_path, out):
    (tmp_path / "README.md").write_text("words")
    done = forked_toolkit("train", "--data", "/nowhere", "--out", tmp_path / out, "--overwrite")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path}/README.md: Not a directory; choose another place" in done.stderr
    assert (tmp_path / "README.md").read_text() == "words"


def test_an_output_is_a_file(tmp_path):
    with pytest.raises(EdgeError, match="it is a folder; expected the name of a file"):
        refuse_output(tmp_path, overwrite=True)
    with pytest.raises(EdgeError, match="/dev/null: it is a device"):
        refuse_output("/dev/null", overwrite=True)
    refuse_output(tmp_path / "new" / "deeper" / "x.json", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_may_not_be_read_is_found_before_the_data_is_read(
    toolkit_of_a_user, tiny_keras, tmp_path
):
    secret = tmp_path / "secret.keras"
    shutil.copy(tiny_keras, secret)
    secret.chmod(0)
    done = toolkit_of_a_user("quantize", "--model", secret, "--data", "/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: cannot read {secret}: Permission denied")
