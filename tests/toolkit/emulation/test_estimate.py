"""Estimates: the model behind them, their labels, and what is said where no emulator is."""

import json
import math
import os
from pathlib import Path

import pytest

from benchmarks.published_times import (
    A53,
    A72,
    A76,
    COUNTED,
    FOUR_THREADS,
    ONE_THREAD,
    PI_3_UNTOLD,
    PI_4_TO_PI_5,
    YUNET,
    by_equal_threads,
    mean_ipc,
)
from device.errors import EdgeError, UsageError
from device.model.expression_model import load_model
from toolkit.emulation import tree
from toolkit.emulation.boards import BOARDS, board_named
from toolkit.emulation.counts import Count, known_count, remember
from toolkit.emulation.estimate import estimate_files, estimate_latency
from toolkit.results.codec import write_results
from toolkit.results.types import ModelIdentity, ModelResults, Results
from toolkit.results.words import short_ms

pytestmark = pytest.mark.toolkit


def test_the_boards_figures_are_those_that_the_published_times_give():
    pi4, zero = BOARDS["pi4"], BOARDS["pi-zero-2w"]
    assert pi4.ipc_float == pytest.approx(mean_ipc(ONE_THREAD), abs=0.01)
    assert pi4.ipc_other == pytest.approx(YUNET.ipc, abs=0.01)
    sources = by_equal_threads(pi4.ipc_float, pi4.ipc_int8), PI_3_UNTOLD
    between = math.sqrt(mean_ipc(sources[0]) * mean_ipc(sources[1]))
    assert zero.ipc_float == zero.ipc_int8 == pytest.approx(between, abs=0.02)


@pytest.mark.parametrize("time", [*ONE_THREAD, *PI_3_UNTOLD, *by_equal_threads(0.96, 1.5)])
def test_the_band_holds_the_published_times(time):
    board = BOARDS["pi-zero-2w" if time.kernels == A53 else "pi4"]
    estimate = time.estimate_ms(board.ipc_int8 if time.int8 else board.ipc_float)
    assert estimate / board.band <= time.ms <= estimate * board.band


@pytest.mark.parametrize(("network", "int8"), FOUR_THREADS)
def test_one_thread_of_a_pi_4_takes_between_once_and_four_times_what_four_take(network, int8):
    four_ms = FOUR_THREADS[network, int8][1]
    estimate = BOARDS["pi4"].milliseconds(1e6 * COUNTED[network, int8][A72], int8)
    assert four_ms <= estimate <= 4 * four_ms


@pytest.mark.parametrize("network", PI_4_TO_PI_5)
def test_a_pi_5_is_as_much_faster_as_published(network):
    times = [
        BOARDS[key].milliseconds(COUNTED[network, True][core], True)
        for key, core in (("pi4", A72), ("pi5", A76))
    ]
    assert times[0] / times[1] == pytest.approx(PI_4_TO_PI_5[network], rel=0.12)


def test_an_estimate_by_hand():
    latency = estimate_latency(BOARDS["pi4"], Count(3_000_000, 33_000_000, 330_000_000), int8=True)
    assert latency.origin == "estimated"
    assert latency.stages["classify"]["p50_ms"] == pytest.approx(3e6 / (1.5e9 * 1.5) * 1000, abs=1e-4)
    network_ms, other_ms = 2 * 3e6 / (1.5e6 * 1.5), (33e6 - 6e6) / (1.5e6 * 0.8)
    assert latency.stages["frame, face followed"]["p50_ms"] == pytest.approx(network_ms + other_ms, abs=1e-4)
    searched_ms = network_ms + (330e6 - 6e6) / (1.5e6 * 0.8)
    assert latency.stages["frame, whole search"]["p50_ms"] == pytest.approx(searched_ms, abs=1e-4)
    wide = estimate_latency(BOARDS["pi5"], Count(3_000_000, 33_000_000, 330_000_000), int8=True)
    for stage, band in (("classify", 1.6), ("frame, whole search", 2.0)):
        ms = wide.stages[stage]["p50_ms"]
        assert wide.bounds_ms(stage) == pytest.approx((ms / band, ms * band))
    assert latency.extra["how"].count("1.6 times more or less") == 2


def test_the_detectors_published_time_is_met():
    assert BOARDS["pi4"].frame_milliseconds(YUNET.millions * 1e6, 0, False) == pytest.approx(
        YUNET.ms, rel=0.02
    )


def test_each_board_says_what_its_core_can_do():
    assert "asimddp" not in BOARDS["pi4"].cpuinfo()
    assert "asimddp" in BOARDS["pi5"].cpuinfo()
    for board in BOARDS.values():
        assert board.cpuinfo().count("processor") == 4
        assert board.part in board.cpuinfo()


def test_an_unknown_board_is_wrong_use():
    with pytest.raises(UsageError, match="pi4, pi5"):
        board_named("pi6")


def test_without_an_emulator_one_line_tells_how_to_get_it(monkeypatch, tmp_path, tiny_tflite):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EdgeError, match="apt install qemu-user mmdebstrap gcc"):
        estimate_files([str(tiny_tflite)], ["pi4"])


def test_what_ships_is_estimated_without_an_emulator(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    packaged = load_model()
    (entry,) = estimate_files([str(packaged.path)], list(BOARDS)).models
    assert [latency.target for latency in entry.latencies] == list(BOARDS)
    for latency in entry.latencies:
        times = [stage["p50_ms"] for stage in latency.stages.values()]
        assert times == sorted(times)
        assert len(times) == 3


def test_a_count_is_kept_for_the_next_time(monkeypatch, tmp_path, tiny_tflite):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    board, count = BOARDS["pi4"], Count(3_000_000, 33_000_000, 330_000_000)
    assert known_count(board, tiny_tflite) is None
    remember(board, tiny_tflite, count)
    assert known_count(board, tiny_tflite) == count
    assert known_count(BOARDS["pi5"], tiny_tflite) is None
    kept = tmp_path / "fer-edge" / "counts.json"
    kept.write_text(kept.read_text().replace("numpy==", "numpy==1"))  # of other packages
    assert known_count(board, tiny_tflite) is None
    kept.write_text("{")
    assert known_count(board, tiny_tflite) is None


@pytest.mark.parametrize("damage", [{"classify": "3000000"}, {"other": 1}, {"classify": -1}, [1], "x", 7])
def test_a_damaged_count_is_counted_anew(monkeypatch, tmp_path, tiny_tflite, damage):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    board, count = BOARDS["pi4"], Count(3_000_000, 33_000_000, 330_000_000)
    remember(board, tiny_tflite, count)
    (file,) = tmp_path.rglob("counts.json")
    document = json.loads(file.read_text())
    (entry,) = document["models"].values()
    entry["boards"][board.key] = damage
    file.write_text(json.dumps(document))
    assert known_count(board, tiny_tflite) is None
    remember(board, tiny_tflite, count)
    assert known_count(board, tiny_tflite) == count


def test_a_pipe_in_place_of_the_counts_is_not_waited_for(monkeypatch, tmp_path, tiny_tflite):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    remember(BOARDS["pi4"], tiny_tflite, Count(3_000_000))
    (file,) = tmp_path.rglob("counts.json")
    file.unlink()
    os.mkfifo(file)
    assert known_count(BOARDS["pi4"], tiny_tflite) is None


def test_a_user_without_a_home_keeps_no_count(monkeypatch, tiny_tflite):
    def nobodys_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobodys_home)
    remember(BOARDS["pi4"], tiny_tflite, Count(3_000_000, 33_000_000, 330_000_000))
    assert known_count(BOARDS["pi4"], tiny_tflite) is None


def test_only_tflite_can_be_estimated(tmp_path):
    with pytest.raises(EdgeError, match="quantize it first"):
        estimate_files(["model.keras"], ["pi4"])


def test_the_tree_stands_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv(tree.VARIABLE, str(tmp_path / "here"))
    assert tree.BOOKWORM.tree() == tmp_path / "here" / "bookworm"
    monkeypatch.delenv(tree.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tree.TRIXIE.tree() == tmp_path / "fer-edge" / "arm64" / "trixie"


def test_pip_is_offered_the_wheels_that_fit_the_glibc():
    platforms = tree.BOOKWORM.platforms()
    assert "manylinux_2_36_aarch64" in platforms
    assert "manylinux_2_37_aarch64" not in platforms
    assert "manylinux2014_aarch64" in platforms


def test_a_tree_that_fails_half_way_leaves_nothing(monkeypatch, tmp_path):
    for program in tree.PROGRAMS:
        (tmp_path / program).write_text('#!/bin/sh\necho "no mirror" >&2\nexit 1\n')
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(tree.VARIABLE, str(tmp_path / "trees"))
    with pytest.raises(EdgeError, match="mmdebstrap cannot make the arm64 trixie: no mirror"):
        tree.ensure_tree(tree.TRIXIE)
    assert list((tmp_path / "trees").iterdir()) == []


def test_of_two_who_make_a_tree_at_once_the_slower_takes_the_faster_ones(monkeypatch, tmp_path):
    made = tmp_path / "trees/trixie"
    for program in tree.PROGRAMS:
        (tmp_path / program).write_text(f'#!/bin/sh\nmkdir -p "{made}" && echo first > "{made}/here"\n')
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv(tree.VARIABLE, str(made.parent))
    assert tree.ensure_tree(tree.TRIXIE) == made
    assert list(made.parent.iterdir()) == [made]
    assert [path.name for path in made.iterdir()] == ["here"]


def test_the_report_calls_an_estimate_so(forked_toolkit, tmp_path):
    latency = estimate_latency(BOARDS["pi5"], Count(5_000_000), int8=True)
    model = ModelIdentity("m.tflite", "5" * 64, "tflite", 1000, ("a", "b"))
    write_results(Results((ModelResults(model, latencies=(latency,)),), "benchmark"), tmp_path / "in.json")
    done = forked_toolkit("report", tmp_path / "in.json", "--out", tmp_path / "r.html", "--json")
    assert json.loads(done.stdout)["decision"]["origin"] == "estimated"
    assert '<span class="tag">estimated</span>' in (tmp_path / "r.html").read_text()
    assert "on pi5 (estimated)" in (tmp_path / "r.md").read_text()


def test_a_frame_has_the_band_of_frames_in_page_and_table(forked_toolkit, tmp_path):
    latency = estimate_latency(BOARDS["pi5"], Count(5_000_000, 40_000_000, 90_000_000), int8=True)
    low, high = latency.bounds_ms("frame, whole search")
    assert high / low == pytest.approx(BOARDS["pi5"].frame_band ** 2)
    model = ModelIdentity("m.tflite", "5" * 64, "tflite", 1000, ("a", "b"))
    write_results(Results((ModelResults(model, latencies=(latency,)),), "benchmark"), tmp_path / "in.json")
    assert forked_toolkit("report", tmp_path / "in.json", "--out", tmp_path / "r.html").returncode == 0
    page = (tmp_path / "r.html").read_text()
    assert f"{short_ms(low)} to {short_ms(high)}" in page
    assert "Raspberry Pi 5" in page
