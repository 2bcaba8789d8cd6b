"""Films: what a power cut, a full disk and other eyes find of them."""

import os
import resource
import subprocess
import sys

import cv2
import pytest

from device.capture.sources.demo import DemoSource
from device.capture.sources.video import VideoFile
from device.errors import EdgeError
from device.sinks.video import VideoSink

# Films 200 frames of noise, then dies as in a power cut. What FFmpeg still holds, 256 kB, is lost.
CUT = """
import os, signal, sys
from datetime import UTC, datetime
import numpy as np
from device.capture.sources.demo import DemoSource
from device.frames import Frame
from device.results import FrameResult
from device.sinks.video import VideoSink
sink, rng = VideoSink(sys.argv[1], DemoSource()), np.random.default_rng(0)
sink.begin()
for index in range(200):
    frame = Frame(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), index, 0)
    sink.write(FrameResult(frame, datetime.now(UTC), 0.0))
os.kill(os.getpid(), signal.SIGKILL)
"""


def frames_of(path) -> int:
    film, count = cv2.VideoCapture(str(path)), 0
    while film.read()[0]:
        count += 1
    return count


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_a_film_is_readable_after_a_kill(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    subprocess.run([sys.executable, "-c", CUT, path], check=False, timeout=60)
    assert frames_of(path) >= 30
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["12:30.mkv", "2024-05-01T12:30:00.mp4", "concat:a|b.avi"])
def test_what_stands_before_a_colon_is_part_of_a_films_name(tmp_path, name, a_result, monkeypatch):
    """FFmpeg took it for a protocol."""
    monkeypatch.chdir(tmp_path)
    sink = VideoSink(name, DemoSource())
    sink.begin()
    for index in range(3):
        sink.write(a_result(index))
    sink.close()
    with VideoFile(name) as film:
        assert len(list(film)) == 3


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_a_film_of_nobody_but_its_owner_even_where_one_was(tmp_path, suffix, a_result):
    path = tmp_path / f"film{suffix}"
    path.write_text("an earlier one")
    path.chmod(0o666)
    sink = VideoSink(path, DemoSource(), overwrite=True)
    sink.begin()
    for index in range(3):
        sink.write(a_result(index))
    sink.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert frames_of(path) == 3


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_a_disk_that_takes_no_more_is_told(tmp_path, suffix, a_result):
    """A limit on the size of a file stands for a full disk or a quota: OpenCV tells none of them."""
    sink = VideoSink(tmp_path / f"film{suffix}", DemoSource())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        for index in range(120):
            sink.write(a_result(index))
        with pytest.raises(EdgeError, match="cut short"):
            sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_film_ends_whole_while_the_disk_has_room(tmp_path, a_result, monkeypatch):
    sink = VideoSink(tmp_path / "film.mkv", DemoSource())
    for index in range(30):
        sink.write(a_result(index))
    monkeypatch.setattr("device.sinks.video.KEPT_FREE_MB", 10**9)  # more than any disk has
    with pytest.raises(EdgeError, match="ends here: less than"):
        sink.write(a_result(30))
    sink.close()
    assert frames_of(tmp_path / "film.mkv") == 30


def test_a_film_may_go_into_a_pipe(tmp_path, a_result):
    os.mkfifo(tmp_path / "film.mkv")
    with open(tmp_path / "kept.mkv", "wb") as kept:
        reader = subprocess.Popen(["cat", tmp_path / "film.mkv"], stdout=kept)
        sink = VideoSink(tmp_path / "film.mkv", DemoSource(), overwrite=True)
        sink.begin()
        for index in range(5):
            sink.write(a_result(index))
        sink.close()
        reader.wait(60)
    assert frames_of(tmp_path / "kept.mkv") == 5


def test_a_film_that_the_disk_has_no_room_for_is_not_begun(tmp_path, monkeypatch):
    path = tmp_path / "film.avi"
    path.write_bytes(b"an old one")
    monkeypatch.setattr("device.sinks.video.KEPT_FREE_MB", 10**9)  # more than any disk has
    with pytest.raises(EdgeError, match=r"film\.avi: less than \d+ MB of the disk are free"):
        VideoSink(path, DemoSource(), overwrite=True).begin()
    assert path.read_bytes() == b"an old one"
