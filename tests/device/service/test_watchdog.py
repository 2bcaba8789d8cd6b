"""The watchdog on a real notification socket."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from device.service.watchdog import FRESH_MS, WatchdogSink

DEVICE = Path(sys.executable).parent / "device"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def systemd(tmp_path):
    """The socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(0.2)
        yield listening


def heard(listening) -> list[str]:
    lines = []
    try:
        while True:
            lines += listening.recv(4096).decode().split("\n")
    except TimeoutError:
        return lines


def test_the_watchdog_is_fed_by_fresh_frames_with_inferences_only(systemd, a_result):
    import dataclasses

    now, proofs = [0.0], []

    def predict(crops):
        proofs.append(crops.shape)
        return np.full((1, 7), 1 / 7)

    sink = WatchdogSink(systemd.getsockname(), predict, every_s=1.0, clock_s=lambda: now[0])
    sink.write(dataclasses.replace(a_result(0), age_ms=FRESH_MS + 1))
    assert heard(systemd) == []  # a stalled camera: not even ready
    sink.write(a_result(1))
    lines = heard(systemd)
    assert lines[0] == "READY=1"
    assert "WATCHDOG=1" in lines
    assert any(line.startswith("STATUS=#1 happy") for line in lines)
    now[0] = 0.5
    sink.write(a_result(2))
    assert heard(systemd) == []
    assert proofs == []
    now[0] = 20.0
    sink.write(a_result(3, faces=0))  # nobody there: the network must prove itself
    assert "WATCHDOG=1" in heard(systemd)
    assert proofs == [(1, 48, 48)]
    sink.close()
    assert heard(systemd) == ["STOPPING=1"]


def test_a_real_run_reports_to_systemd(systemd, tiny_model):
    process = subprocess.Popen(
        [DEVICE, "run", "-q", "--source", "demo:live", "--model", tiny_model],
        env={**os.environ, "NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "3000000"},
    )
    deadline_s, lines = time.monotonic() + 60, []
    while time.monotonic() < deadline_s and lines.count("WATCHDOG=1") < 2:
        lines += heard(systemd)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    lines += heard(systemd)
    assert lines[0] == "READY=1"
    assert lines.count("READY=1") == 1
    assert lines.count("WATCHDOG=1") >= 2
    assert lines[-1] == "STOPPING=1"
