"""Timing models in turn."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from device.board.state import read_board
from device.model.expression_model import load_model
from device.runtime.benchmark import benchmark_document, ratio_to_first, time_interleaved

pytest.importorskip("ai_edge_litert")
DEVICE = Path(sys.executable).with_name("device")  # the installed script


def test_models_are_timed_in_turn_and_the_warm_up_left_out(tiny_model, blobs):
    calls = []

    class Watched:
        def __init__(self, name):
            self.path, self.model = name, load_model(tiny_model)

        def predict(self, crops):
            calls.append(self.path)
            return self.model.predict(crops)

    samples_ms = time_interleaved([Watched("a"), Watched("b")], blobs, runs=3, warmup=2)
    assert samples_ms.shape == (3, 2)
    assert (samples_ms > 0).all()
    assert calls == ["a", "b"] * 5


def test_the_document_names_the_model_and_what_was_measured(tiny_model):
    (entry,) = benchmark_document([load_model(tiny_model)], runs=20, warmup=4)["models"]
    assert entry["path"] == str(tiny_model)
    assert (entry["latency"]["n"], entry["latency"]["warmup_n"]) == (20, 4)


def test_the_ratio_holds_the_true_one_in_its_interval():
    rng = np.random.default_rng(0)
    busy = rng.lognormal(0, 0.3, (400, 1))  # both suffer the same busy moments
    samples_ms = busy * np.array([1.0, 0.5]) * rng.lognormal(0, 0.02, (400, 2))
    ratio = ratio_to_first(samples_ms, 1)
    assert ratio.low <= 0.5 <= ratio.high
    assert ratio.high - ratio.low < 0.1


def test_the_command_prints_one_json_document(tiny_model):
    command = [
        DEVICE,
        "benchmark",
        "--model",
        str(tiny_model),
        "--model",
        str(tiny_model),
        "--runs",
        "5",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert document["cpu"]
    assert document["board"] == read_board().model
    first, second = document["models"]
    assert first["latency"]["n"] == 5
    assert second["ratio_to_first"]["low"] > 0


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--source", "demo"], 2, "--source belongs to --loop; add --loop SECONDS or leave it out"),
        (["--detector-model", "x.onnx"], 2, "--detector-model belongs to --loop; add --loop SECONDS"),
        (
            ["--loop", "1", "--source", "gone.mp4", "--runs", str(2**62)],
            1,
            "no such file or folder: gone.mp4",
        ),
    ],
)
def test_what_the_loop_lacks_is_told_before_anything_is_measured(tiny_model, options, code, words):
    done = subprocess.run(
        [DEVICE, "benchmark", "--model", tiny_model, *options], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert words in done.stderr
