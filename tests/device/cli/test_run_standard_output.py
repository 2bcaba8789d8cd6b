"""``device run --output -``: rows for the next program of a pipe, and nothing else on standard output."""

import json
import subprocess
import sys

import pytest


def command(tiny_model, *arguments) -> list[str]:
    run = (sys.executable, "-m", "device", "run", "--detector", "haar", "--model", str(tiny_model))
    return [*run, *arguments, "--output", "-"]


@pytest.mark.parametrize("quiet", [(), ("-q",), ("-v",)])
def test_standard_output_holds_the_rows_alone(tiny_model, quiet):
    run = command(tiny_model, "--source", "demo:5", *quiet)
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["index"] for line in done.stdout.splitlines()] == list(range(5))
    assert ("5 frames" in done.stderr) == (quiet != ("-q",))


def test_a_reader_that_goes_away_ends_the_run(tiny_model):
    run = command(tiny_model, "--source", "demo:live", "-q")
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["index"] == 0
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert said.startswith("warning: standard output takes no more rows: Broken pipe; going on without it\n")
    assert "Traceback" not in said


def test_one_document_and_rows_do_not_mix(tiny_model):
    done = subprocess.run(
        command(tiny_model, "--source", "demo:1", "--json"), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "choose one" in done.stderr
