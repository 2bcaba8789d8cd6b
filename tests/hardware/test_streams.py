"""Cameras on the network, good and bad, served on loopback and read by OpenCV's FFmpeg."""

import functools
import http.server
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from network_cameras import Act, MjpegCamera, RtspCamera

from device.capture.live_capture import LiveCapture
from device.capture.sources import open_source
from device.capture.sources.demo import DemoSource
from device.capture.sources.stream import TIMEOUT_MS, NetworkStream

DEVICE = Path(sys.executable).with_name("device")
KINDS = pytest.mark.parametrize("kind", [MjpegCamera, RtspCamera])


@pytest.fixture(scope="module")
def clip() -> list[np.ndarray]:
    """A film of two drawn faces: 58 pictures of 640 x 480, B, G, R."""
    with DemoSource(58) as film:
        return [frame.image for frame in film]


@pytest.fixture(scope="module")
def jpegs(clip) -> list[bytes]:
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in clip]


def run(*arguments) -> subprocess.CompletedProcess:
    command = [DEVICE, "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


def read_live(source, until, timeout_s: float = 60.0) -> tuple[LiveCapture, list[int], list[str]]:
    """Read until ``until(frames)`` holds; return the capture, the frames' numbers and what was reported."""
    stop, said, indices = threading.Event(), [], []
    deadline_s = time.monotonic() + timeout_s
    with source:
        capture = LiveCapture(source, stop, said.append)
        for frame in capture.frames():
            indices.append(frame.index)
            if until(capture, indices) or time.monotonic() > deadline_s:
                stop.set()
    assert time.monotonic() < deadline_s, said
    assert indices == sorted(set(indices))
    return capture, indices, said


def connections_to(port: int) -> int:
    count = 0
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as one:
                    count += one.getpeername()[1:2] == (port,)
        except OSError:
            pass
    return count


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("snapshot.jpg", "a single picture"),
        ("film.avi", "a film with an end"),
        ("film.mkv", "a film with an end"),
    ],
)
def test_what_has_an_end_is_no_stream(clip, jpegs, tmp_path, name, what):
    (tmp_path / "snapshot.jpg").write_bytes(jpegs[0])
    if name != "snapshot.jpg":
        film = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
        for picture in clip:
            film.write(picture)
        film.release()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{name}"
        done = run("--source", address, "--output", tmp_path / "rows.jsonl", "--seconds", 20)
        server.shutdown()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"error: {address} is {what}, no stream; expected Motion JPEG or RTSP" in done.stderr
    assert not (tmp_path / "rows.jsonl").exists()


@KINDS
def test_device_run_finds_the_faces_of_the_film(kind, jpegs):
    with kind(jpegs) as camera:
        done = run("--source", camera.address, "--max-frames", 40, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["frames"] == 40
    assert document["frames_with_faces"] >= 25  # a face must be found three times before it counts
    assert document["reopened"] == 0


@KINDS
def test_pictures_arrive_as_they_were_sent(kind, clip, jpegs):
    with kind(jpegs) as camera, open_source(camera.address) as source:
        frames = [frame for frame, _ in zip(source, range(5), strict=False)]

    def off(image: np.ndarray) -> float:
        return min(cv2.absdiff(image, picture).mean() for picture in clip)

    assert all(off(frame.image) < 2 < off(frame.image[..., ::-1].copy()) for frame in frames)


@KINDS
@pytest.mark.parametrize("then", ["stall", "close", "bytes"])
def test_a_stream_that_breaks_is_opened_again(kind, then, jpegs):
    with kind(jpegs, Act(45, then), Act()) as camera:
        source = NetworkStream(camera.address, timeout_ms=2000)
        capture, _, said = read_live(source, lambda live, seen: live.reopened and seen[-1] >= 60)
        assert camera.connections == 2
        assert connections_to(camera.port) == 0
    assert capture.reopened == len(said) == 1
    assert "stopped delivering after 44 frames" in said[0]  # the first picture belongs to the opening
    assert said[0].endswith("opening it again in 0.5 s (attempt 1)")
    assert "capture" not in {thread.name for thread in threading.enumerate()}


@KINDS
def test_damaged_pictures_are_passed_over(kind, jpegs):
    with kind(jpegs, Act(spoilt=(10, 20, 21))) as camera:
        capture, _, said = read_live(NetworkStream(camera.address), lambda live, seen: seen[-1] >= 40)
    assert (capture.reopened, said) == (0, [])


@KINDS
def test_the_pause_grows_while_the_camera_is_away(kind, jpegs):
    """Through the command: two refusals between two connections; what was said and what was counted."""
    away = Act(0, "close")
    with kind(jpegs, Act(45, "close"), away, away, away, away, Act()) as camera:
        done = run("--source", camera.address, "--max-frames", 90, "--json")
    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert all(line.startswith("warning: ") for line in said)
    assert [line.split("opening it again in ")[1] for line in said] == [
        "0.5 s (attempt 1)",
        "1 s (attempt 2)",
        "2 s (attempt 3)",
    ]
    assert "stopped delivering" in said[0]
    assert "answers, but with no video" in said[1]
    document = json.loads(done.stdout)
    assert (document["reopened"], document["frames"]) == (3, 90)


@KINDS
@pytest.mark.parametrize(
    "act", [Act(0, "close"), Act(0, "bytes"), Act(spoilt=range(10_000))], ids=["404", "noise", "spoilt"]
)
def test_what_is_no_video_ends_in_one_line(kind, act, jpegs):
    with kind(jpegs, act) as camera:
        done = run("--source", camera.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {camera.address} answers, but with no video")
    assert done.stderr.count("\n") == 1


@KINDS
@pytest.mark.parametrize("state", ["opening", "playing", "stalling", "away"])
def test_control_c_ends_it_whatever_the_camera_does(kind, state, jpegs, tmp_path):
    acts = {
        "opening": [Act(0, "stall")],
        "playing": [Act()],
        "stalling": [Act(45, "stall")],
        "away": [Act(45, "close"), Act(0, "close")],
    }
    rows = tmp_path / "rows.jsonl"
    with kind(jpegs, *acts[state]) as camera:
        process = subprocess.Popen(
            [DEVICE, "run", "--source", camera.address, "--output", rows],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline_s = time.monotonic() + 30
        ready = {
            "opening": camera.stalling.is_set,
            "playing": lambda: rows.exists() and rows.stat().st_size > 10_000,
            "stalling": camera.stalling.is_set,
            "away": lambda: camera.connections >= 4,
        }[state]
        try:
            while not ready():
                assert time.monotonic() < deadline_s
                time.sleep(0.05)
            asked_s = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            took_s = time.monotonic() - asked_s
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, err
    assert "ended by SIGINT" in out
    assert "Traceback" not in err
    assert took_s < TIMEOUT_MS / 1000  # not only after FFmpeg's own timeout


@KINDS
def test_stopping_does_not_wait_for_a_silent_camera(kind, jpegs):
    """With a timeout of a minute: only an interrupted read can be over sooner."""
    stop = threading.Event()
    with kind(jpegs, Act(45, "stall")) as camera:
        with NetworkStream(camera.address, timeout_ms=60_000) as source:
            frames = LiveCapture(source, stop, lambda line: None).frames()
            next(frames)
            camera.stalling.wait(30)
            asked_s = time.monotonic()
            stop.set()
            list(frames)
        assert time.monotonic() - asked_s < 20
        assert connections_to(camera.port) == 0
    assert "capture" not in {thread.name for thread in threading.enumerate()}
