import dataclasses

import pytest

from device.board.state import BoardState
from device.runtime.loop_benchmark import WARMUP_FRAMES, benchmark_loop, doubts
from device.runtime.options import RunOptions

COOL = BoardState("Pi", "aarch64", 64, "Debian", 50.0, (), (), "ondemand", 4000)


def test_the_loop_ends_after_the_asked_time(tiny_model):
    document, _ = benchmark_loop(0.3, RunOptions("demo:100000", str(tiny_model)), lambda: COOL)
    assert document["ended_by"] == "--seconds"
    assert 0 < document["frames"] < 100_000


def test_the_whole_way_is_timed_after_its_warm_up(tiny_model):
    options = RunOptions("demo", str(tiny_model), max_frames=WARMUP_FRAMES + 20)
    document, lines = benchmark_loop(600.0, options, lambda: COOL)
    assert document["frames"] == WARMUP_FRAMES + 20
    assert document["latency"]["frame"]["warmup_n"] == WARMUP_FRAMES
    assert document["latency"]["frame"]["n"] == document["frames"] - WARMUP_FRAMES
    assert document["latency"]["age"]["p50_ms"] >= document["latency"]["frame"]["p50_ms"]
    assert 0 < document["cpu_share"] <= 2
    assert document["board_before"]["temperature_c"] == 50.0
    assert not any("steady state" in note for note in document["notes"])
    assert any(line.startswith("frame ") for line in lines)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"throttled_now": ("under-voltage",)}, ["under-voltage"]),
        ({"temperature_c": 81.0}, ["81 °C"]),
    ],
)
def test_what_makes_figures_doubtful_is_said(changes, words):
    notes = doubts(COOL, dataclasses.replace(COOL, **changes), 60.0)
    assert all(any(word in note for note in notes) for word in words)
    assert len([note for note in notes if "slowed" in note]) == ("throttled_now" in changes)
