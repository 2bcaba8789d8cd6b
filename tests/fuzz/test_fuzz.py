"""The fuzzer finds what it is there for, and a short round of it finds nothing."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="fuzzing needs hypothesis, of the [test] extra")
pytest.importorskip("ai_edge_litert")

sys.path.insert(0, str(Path(__file__).parent))
from fuzz import Worker, look
from graphs import Graph


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def test_a_short_round_finds_nothing(worker):
    look(worker, 0, 100, {})
    assert set(worker.counts) <= set("RUEK")
    assert worker.counts["R"] > 10  # damaged
    assert worker.counts["U"] > 10  # not understood
    assert worker.counts["K"] > 10  # ran


def test_a_crash_is_seen_and_the_next_file_is_taken(worker, tiny_file):
    assert worker.take(tiny_file) is None
    worker.process.kill()
    assert worker.take(tiny_file) == "died of SIGKILL"
    assert worker.take(tiny_file) is None


@pytest.fixture
def tiny_file():
    graph = Graph()
    return graph.classifier(graph.add("RELU", [graph.image], (1, 8, 8, 3)))
