"""Times of different machines, read from what the commands printed, are never taken for each other's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.results.reading import read_documents
from toolkit.results.selection import select

pytestmark = pytest.mark.toolkit
DEVICE = Path(sys.executable).with_name("device")  # the installed script


@pytest.fixture(scope="module")
def device_benchmark(tiny_tflite) -> dict:
    """What ``device benchmark --json`` prints here of one of the two models of ``timed``."""
    command = [DEVICE, "benchmark", "--model", tiny_tflite, "--runs", "10", "--warmup", "2", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.fixture
def printed_on(device_benchmark, tmp_path):
    """A function that writes the document as another machine would have printed it."""

    def write(**machine: str | None) -> Path:
        path = tmp_path / "device.json"
        path.write_text(json.dumps({**device_benchmark, **machine}))
        return path

    return write


def machines(*paths):
    entries = read_documents([str(path) for path in paths]).results.models
    return sorted(latency.machine.words for entry in entries for latency in entry.latencies)


def test_a_board_is_its_own_target_in_either_order(timed, printed_on):
    pi = printed_on(board="Raspberry Pi 5", cpu="Raspberry Pi 5", machine="aarch64")
    assert machines(timed, pi) == machines(pi, timed)
    assert machines(timed, pi)[0] == "Raspberry Pi 5"
    selection = select(read_documents([str(timed), str(pi)]).results)
    assert selection.machine.target == "Raspberry Pi 5"
    assert [row.latency is None for row in selection.rows] == [False, True]
    assert any("was not timed on Raspberry Pi 5" in note for note in selection.notes)


def test_another_host_stands_beside_and_not_among(timed, printed_on):
    other = printed_on(board=None, cpu="Cortex-A76", machine="aarch64")
    assert machines(timed, other) == machines(other, timed)
    assert machines(timed, other).count("host (Cortex-A76)") == 1
    assert len(machines(timed, other)) == 3
    selection = select(read_documents([str(other), str(timed)]).results)
    assert len({row.latency.cpu for row in selection.rows}) == 1


def test_the_same_host_measured_again_replaces(timed, printed_on):
    assert len(machines(timed, printed_on(board=None))) == 2


def test_labels_outlive_what_the_device_timed(evaluated, printed_on):
    told = [entry.model.labels for entry in read_documents([str(evaluated)]).results.models]
    assert len(told[0]) == 7
    for paths in ((evaluated, printed_on(board=None)), (printed_on(board=None), evaluated)):
        joined = read_documents([str(path) for path in paths]).results.models
        assert [entry.model.labels for entry in joined] == told
        assert sum(len(entry.latencies) for entry in joined) == 1
