"""Faults beside the frame loop, on the command line: each is one line, and the loop goes on."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def ran(tiny_model):
    """Runs sixty frames of the demo and returns the standard error; all of them must have been looked at."""

    def run(*options: object) -> list[str]:
        fixed = (
            "--source",
            "demo",
            "--max-frames",
            "60",
            "--detector",
            "haar",
            "--model",
            tiny_model,
            "--json",
        )
        command = [sys.executable, "-m", "device", "run", *map(str, (*fixed, *options))]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["frames"] == 60
        return done.stderr.splitlines()

    return run


def test_a_port_of_metrics_in_use(ran):
    pytest.importorskip("prometheus_client")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert ran("--metrics", address) == [
            f"warning: --metrics: http://{address}/metrics is in use by another program; name another HOST:PORT; "
            "going on without it"
        ]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            '["/no/such/program"]',
            [
                "rule anybody: there is no program /no/such/program",
                "rule anybody: cannot run /no/such/program: No such file or directory",
            ],
        ),
        ('["sh", "-c", "exit 3"]', ["rule anybody: sh exited with 3"]),
        ('["sleep", "60"]', ["rules: sleep still ran at the end and was ended"]),
    ],
)
def test_a_command_that_fails_or_hangs(ran, tmp_path, command, said):
    settings = tmp_path / "config.toml"
    settings.write_text(f'[[rule]]\nname = "anybody"\nheld-for = 0\ncool-down-s = 60\ncommand = {command}\n')
    assert ran("--config", settings) == [f"warning: {line}" for line in said]


@pytest.mark.parametrize("quiet", [(), ("-q",), ("--json",)])
@pytest.mark.parametrize(
    ("output", "cause", "error"),
    [
        (
            ("--mqtt", "127.0.0.1:9"),
            "has not taken ",
            "error: mqtt://127.0.0.1:9/fer-edge has not taken ",
        ),
        (
            ("--output", "/dev/full", "--overwrite"),
            "No space left",
            "error: /dev/full lacks 3 of 3 results: see ",
        ),
    ],
)
def test_an_output_that_is_incomplete_is_one_error_at_the_end(tiny_model, quiet, output, cause, error):
    command = [sys.executable, "-m", "device", "run", "--source", "demo:3", "--detector", "haar"]
    done = subprocess.run(
        [*command, "--model", str(tiny_model), *output, *quiet], capture_output=True, text=True, cwd=ROOT
    )
    told = done.stderr.splitlines()
    assert (done.returncode, sum(cause in line for line in told)) == (1, 1), told
    assert [line for line in told if line.startswith("error: ")] == told[-1:]
    assert told[-1].startswith(error)


@pytest.mark.parametrize("option", ["--save-frames", "--annotate"])
def test_a_folder_that_may_not_be_written_is_refused_before_the_run(
    tiny_model, tmp_path, as_any_user, option
):
    pictures, closed = tmp_path / "pictures", tmp_path / "closed"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "a.png"), np.zeros((64, 64), np.uint8))
    closed.mkdir(mode=0o555)
    command = [sys.executable, "-m", "device", "run", "--source", pictures, "--model", tiny_model]
    done = subprocess.run(
        [*command, option, closed], capture_output=True, text=True, cwd=ROOT, preexec_fn=as_any_user
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: cannot write in {closed}: Permission denied; choose another place\n"
