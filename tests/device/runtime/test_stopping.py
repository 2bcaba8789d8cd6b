"""A run ends when it is told to, whatever hangs: real signals, real pipes, real sockets."""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = Path(sys.executable).with_name("device")
LONG_S = 60  # what hangs, hangs for ever: this only ends a test that fails

# A model that hangs in native code, as no whole model file does.
HANGING_MODEL = """
import ctypes, sys
from device.cli import main
from device.model.expression_model import ExpressionModel
def hang(self, crops):
    print("hangs", file=sys.stderr, flush=True)
    while True:  # a signal ends one sleep
        ctypes.CDLL(None).sleep(10**6)
ExpressionModel.predict = hang
sys.argv = ["device", *sys.argv[1:]]
main()
"""


def start(command, tiny_model, **streams) -> subprocess.Popen:
    asked = [*map(str, command), "--model", str(tiny_model), "--detector", "haar"]
    return subprocess.Popen(
        asked, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **streams}
    )


@contextlib.contextmanager
def ready_socket(folder: Path):
    """A service manager's socket: tells when the first result is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(str(folder / "notify"))
        ready.settimeout(LONG_S)
        yield ready, {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}


@contextlib.contextmanager
def stuck_sink(kind: str, folder: Path):
    """Options of a sink that takes nothing, and the streams that it needs."""
    if kind == "broker":
        with socket.create_server(("127.0.0.1", 0)) as silent:
            yield ["--mqtt", f"127.0.0.1:{silent.getsockname()[1]}"], {}
        return
    if kind == "terminal":
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        yield ["-v"], {"stderr": writer}
        os.close(reader)
        os.close(writer)
        return
    option, name = {
        "rows": ("--output", "a.jsonl"),
        "table": ("--output", "a.csv"),
        "film": ("--video", "a.mkv"),
    }[kind]
    os.mkfifo(folder / name)
    yield [option, str(folder / name), "--overwrite"], {}


@contextlib.contextmanager
def stuck_run(kind: str, how: str, tiny_model: Path, folder: Path):
    """A run before a sink of ``kind`` that takes nothing, once its first result is there and it is told to end."""
    folder.mkdir()
    with stuck_sink(kind, folder) as (options, streams), ready_socket(folder) as (ready, environment):
        timed = ["--seconds", "1"] if how == "--seconds" else []
        command = [DEVICE, "run", "--source", "demo:live", *options, *timed]
        command += [] if kind == "terminal" else ["--json"]
        process = start(command, tiny_model, env=environment, **streams)
        ready.recv(4096)
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        yield process


@pytest.mark.parametrize("how", ["SIGTERM", "--seconds"])
def test_a_sink_that_takes_nothing_holds_up_nothing(how, tiny_model, tmp_path):
    kinds = ["rows", "table", "film", "broker", "terminal"]
    if importlib.util.find_spec("paho") is None:
        kinds.remove("broker")
    with contextlib.ExitStack() as side_by_side:
        runs = {
            kind: side_by_side.enter_context(stuck_run(kind, how, tiny_model, tmp_path / kind))
            for kind in kinds
        }
        for kind, process in runs.items():
            out, _ = process.communicate(timeout=LONG_S)
            if kind == "terminal":
                assert f"ended by {how}" in out
                assert process.returncode == 0  # nobody asked for the terminal
                continue
            document = json.loads(out)
            assert document["ended_by"] == how, kind
            (counts,) = document["outputs"].values()
            assert counts["written"] + counts["dropped"] == document["frames"], kind
            if kind != "broker":
                lacks = f"lacks {counts['dropped']} of {document['frames']} results"
                assert process.returncode == 1, kind
                assert counts["dropped"] > 0, kind
                assert any(lacks in note for note in document["notes"]), kind


def test_a_camera_that_accepts_and_never_answers_is_left(tiny_model):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x.mjpg"
        process = start([DEVICE, "run", "--source", address], tiny_model)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=LONG_S)
        connection.close()
    assert process.returncode in (0, 1)
    assert err.count("\n") <= 1


def test_an_inference_that_hangs_is_left(tiny_model, tmp_path):
    rows = tmp_path / "rows.jsonl"
    command = [sys.executable, "-c", HANGING_MODEL, "run", "-q", "--source", "demo", "--output", rows]
    process = start(command, tiny_model)
    assert process.stderr.readline() == "hangs\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 1
    assert err == "error: SIGTERM: the camera, the model or an output hangs; ended without it\n"
    assert json.loads(rows.read_text().splitlines()[0])["index"] == 0


def test_a_second_signal_ends_it_at_once(tiny_model, tmp_path):
    command = [
        sys.executable,
        "-c",
        HANGING_MODEL,
        "run",
        "-q",
        "--source",
        "demo",
        "--output",
        tmp_path / "r.jsonl",
    ]
    process = start(command, tiny_model)
    assert process.stderr.readline() == "hangs\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=LONG_S)
    assert (process.returncode, err) == (1, "error: interrupted\n")


def test_standard_error_whose_reader_goes_away_ends_nothing(tiny_model, tmp_path):
    process = start(
        [DEVICE, "run", "-v", "--source", "demo:120", "--output", tmp_path / "rows.jsonl"], tiny_model
    )
    process.stderr.readline()
    process.stderr.close()
    out = process.stdout.read()
    assert process.wait(LONG_S) == 0
    assert "120 frames" in out
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 120


def test_every_frame_of_a_file_reaches_a_slow_reader(tiny_model, tmp_path):
    """A finite source waits for its sinks: nothing is dropped where the reader is only slow."""
    os.mkfifo(tmp_path / "rows.jsonl")
    options = ["--source", "demo:300", "--output", tmp_path / "rows.jsonl", "--overwrite", "--json"]
    process = start([DEVICE, "run", *options], tiny_model)
    with open(tmp_path / "rows.jsonl", buffering=1) as slow:
        rows = [json.loads(row)["index"] for row in slow]
    out, err = process.communicate(timeout=LONG_S)
    assert (process.returncode, err) == (0, "")
    assert rows == list(range(300))
    assert json.loads(out)["outputs"] == {str(tmp_path / "rows.jsonl"): {"written": 300, "dropped": 0}}
