"""One contract over every sink, then what each of them is for."""

import dataclasses
import io
import re

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource
from device.errors import EdgeError
from device.frames import Frame
from device.sinks.csv import CsvSink
from device.sinks.frames import FrameFilesSink
from device.sinks.jsonl import JsonLinesSink
from device.sinks.preview import PreviewSink
from device.sinks.terminal import TerminalSink
from device.sinks.timeline import TimelineSink
from device.sinks.video import VideoSink
from device.sinks.web_server import WebAddress

LABELS = ("happy", "sad")


@pytest.fixture(params=["jsonl", "csv", "video", "frames", "terminal", "preview", "timeline"])
def sink(request, tmp_path):
    if request.param == "terminal":
        with open(tmp_path / "terminal", "w") as stream:
            yield TerminalSink(stream, every_frame=True)
        return
    yield {
        "jsonl": lambda: JsonLinesSink(tmp_path / "rows.jsonl"),
        "csv": lambda: CsvSink(tmp_path / "rows.csv", LABELS),
        "video": lambda: VideoSink(tmp_path / "clip.avi", DemoSource(4)),
        "frames": lambda: FrameFilesSink(tmp_path / "kept"),
        "timeline": lambda: TimelineSink(tmp_path / "run.png", LABELS),
        "preview": lambda: PreviewSink(WebAddress("127.0.0.1", 0)),
    }[request.param]()


def test_every_sink_takes_any_result_and_closes_even_if_nothing_came(sink, a_result):
    assert sink.name
    for index, faces in enumerate((0, 1, 2)):
        sink.write(a_result(index, faces))
    sink.write(a_result(3, 1, gray=True))
    sink.close()


def test_kept_frames_leave_room_on_the_disk(tmp_path, a_result, monkeypatch):
    monkeypatch.setattr("device.sinks.frames.KEPT_FREE_MB", 10**9)  # more than any disk has
    sink = FrameFilesSink(tmp_path / "kept")
    sink.begin()
    with pytest.raises(EdgeError, match="kept ends here: less than"):
        sink.write(a_result(0))
    assert not list((tmp_path / "kept").iterdir())


def test_the_video_plays_back_with_boxes(tmp_path, a_result):
    sink = VideoSink(tmp_path / "clip.avi", DemoSource(5))
    for index in range(5):
        sink.write(a_result(index))
    sink.close()
    capture = cv2.VideoCapture(str(tmp_path / "clip.avi"))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    assert len(frames) == 5
    assert frames[0].shape == (120, 160, 3)
    blue, green, red = frames[0][50, 60].astype(int)  # on the box's right edge
    assert green > blue
    assert green > red


@pytest.mark.parametrize(
    ("times_s", "lasts_s"),
    [
        (np.arange(24) / 12, 2.0),  # a board that keeps up with 12 frames a second
        (np.arange(120) / 60, 2.0),  # a fast camera
        (np.arange(60) / 30 + np.random.default_rng(0).normal(0, 0.004, 60), 2.0),
        (np.array([0.0, 1.0, 3601.0]), 3.0),  # a camera that was away for an hour
    ],
)
@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_live_film_lasts_as_long_as_what_it_shows(tmp_path, a_result, times_s, lasts_s, suffix):
    path = tmp_path / f"film{suffix}"
    sink = VideoSink(path, DemoSource(None, live=True))
    for index, time_s in enumerate(times_s):
        result = a_result(index)
        frame = Frame(result.frame.image, index, 10**12 + round(time_s * 1e9))
        sink.write(dataclasses.replace(result, frame=frame))
    sink.close()
    film = cv2.VideoCapture(str(path))
    frames = 0
    while film.grab():
        frames += 1
    assert frames / film.get(cv2.CAP_PROP_FPS) == pytest.approx(lasts_s, abs=0.07)


@pytest.mark.parametrize(
    "make",
    [
        lambda path, **asked: VideoSink(path, DemoSource(), **asked),
        JsonLinesSink,
        lambda path, **asked: CsvSink(path, LABELS, **asked),
    ],
)
def test_files_are_not_replaced_and_bad_places_are_one_line(make, tmp_path):
    path = tmp_path / "out.avi"
    path.write_text("mine")
    with pytest.raises(EdgeError, match="`overwrite`"):
        make(path)
    assert path.read_text() == "mine"
    with pytest.raises(EdgeError, match="cannot write"):
        make(tmp_path / "gone" / "out.avi")
    (tmp_path / "folder.avi").mkdir()
    with pytest.raises(EdgeError, match="is a folder"):
        make(tmp_path / "folder.avi", overwrite=True)


def test_only_frames_with_faces_are_kept_and_only_in_an_empty_folder(tmp_path, a_result):
    sink = FrameFilesSink(tmp_path / "kept")
    for index, faces in enumerate((0, 1, 0, 2)):
        sink.write(a_result(index, faces))
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["00000001.jpg", "00000003.jpg"]
    with pytest.raises(EdgeError, match="not empty"):
        FrameFilesSink(tmp_path / "kept")
    (tmp_path / "kept" / "mine.jpg").write_bytes(b"mine")
    again = FrameFilesSink(tmp_path / "kept", overwrite=True)
    assert len(list((tmp_path / "kept").iterdir())) == 3  # a source that does not open leaves what is there
    again.begin()
    again.write(a_result(2))
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["00000002.jpg", "mine.jpg"]


def test_a_picture_is_there_whole_or_not_at_all_and_only_for_its_owner(tmp_path, a_result, monkeypatch):
    sink = FrameFilesSink(tmp_path / "kept")
    sink.write(a_result(1))
    assert (tmp_path / "kept" / "00000001.jpg").stat().st_mode & 0o777 == 0o600

    def power_cut(*paths):
        raise OSError("nothing can be switched off here")

    monkeypatch.setattr("os.replace", power_cut)
    with pytest.raises(EdgeError, match="cannot write"):
        sink.write(a_result(2))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["00000001.jpg"]


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("screen", "every_frame", "shown"),
    [(False, False, [0, 4, 8]), (False, True, range(10)), (True, False, range(10)), (True, True, range(10))],
)
def test_a_terminal_is_told_at_once_and_then_as_often_as_it_can_show(a_result, screen, every_frame, shown):
    """Frames a quarter of a second apart: a file gets a line a second, a terminal ten."""
    stream, now_s = (Screen if screen else io.StringIO)(), [0.0]
    sink = TerminalSink(stream, every_frame, clock_s=lambda: now_s[0])
    for index in range(10):
        now_s[0] = index * 0.25
        sink.write(a_result(index, index % 2))
    sink.close()
    text = stream.getvalue()
    assert [int(found) for found in re.findall(r"frame (\d+)", text)] == list(shown)
    assert ("\r" in text) == (screen and not every_frame)
    assert text.endswith("\n")


def test_a_terminal_is_redrawn_ten_times_a_second_at_most(a_result):
    stream, now_s = Screen(), [5.0]
    sink = TerminalSink(stream, clock_s=lambda: now_s[0])
    for index in range(9):
        sink.write(a_result(index))
        now_s[0] += 0.04
    assert re.findall(r"frame (\d+)", stream.getvalue()) == ["0", "3", "6"]


def test_a_kept_picture_is_clear_unless_it_is_to_be_blurred(tmp_path, a_result):
    clear, blurred = FrameFilesSink(tmp_path / "clear"), FrameFilesSink(tmp_path / "blurred", blur_faces=True)
    result = a_result(1)
    pictures = []
    for sink in (clear, blurred):
        sink.write(result)
        pictures.append(cv2.imread(str(next(sink.folder.iterdir()))))
    face = np.s_[40:70, 30:50]  # inside the box
    assert result.frame.image[face].std() > 60  # noise
    assert pictures[0][face].std() > 2 * pictures[1][face].std()
