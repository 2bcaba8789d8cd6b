"""Faults beside the frame loop, on the command line: each is one line, and the loop goes on."""

import json
import socket
import subprocess
import sys
from pathlib import Path

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
