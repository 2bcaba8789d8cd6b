"""``toolkit`` where its launcher closed standard output or standard error: the work is done all the same."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLKIT = Path(sys.executable).with_name("toolkit")
TINY = Path(__file__).parents[2] / "device" / "models" / "tiny_int8.tflite"


@pytest.mark.parametrize("streams", [">&-", "2>&-"])
def test_a_command_does_its_work_without_a_standard_stream(streams, tmp_path):
    results = tmp_path / "evaluation.json"
    for command in (
        ("data", "synth", "--out", tmp_path / "faces"),
        ("data", "inspect", tmp_path / "faces", "--no-near"),
        ("evaluate", "--model", TINY, "--data", tmp_path / "faces", "--out", results),
    ):
        shell = ["sh", "-c", f'exec "$@" {streams}', "sh", TOOLKIT, *map(str, command)]
        done = subprocess.run(shell, capture_output=True, text=True, timeout=120)
        assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr
    assert results.stat().st_size
