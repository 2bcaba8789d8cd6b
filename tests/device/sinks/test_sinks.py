"""One contract over every sink, then what each of them is for."""

import csv
import dataclasses
import io
import json
import os
import re
import resource

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


def test_rows_are_on_disk_at_once(tmp_path, a_result):
    path = tmp_path / "rows.jsonl"
    sink = JsonLinesSink(path)
    sink.write(a_result(7))
    row = json.loads(path.read_text())
    sink.close()
    assert row["index"] == 7
    assert row["captured_at"] == "2026-11-21T10:00:00.007+00:00"
    assert row["faces"][0]["box_xyxy"] == [20, 30, 60, 80]


def test_what_is_there_stays_until_the_source_is_open_and_not_longer(tmp_path):
    makers = {
        "rows.jsonl": JsonLinesSink,
        "rows.csv": lambda path, overwrite: CsvSink(path, LABELS, overwrite),
        "film.mp4": lambda path, overwrite: VideoSink(path, DemoSource(), overwrite),
    }
    for name, make in makers.items():
        path = tmp_path / name
        path.write_text("of an earlier run")
        make(path, overwrite=True).close()
        assert path.read_text() == "of an earlier run"
        sink = make(path, overwrite=True)
        sink.begin()
        sink.close()
        assert not path.exists() or "earlier" not in path.read_text()


def test_rows_are_added_below_those_that_are_there(tmp_path, a_result):
    for index in range(3):
        for sink in (
            JsonLinesSink(tmp_path / "rows.jsonl", append=True),
            CsvSink(tmp_path / "rows.csv", LABELS, append=True),
        ):
            sink.write(a_result(index))
            sink.close()
    rows = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [json.loads(row)["index"] for row in rows] == [0, 1, 2]
    with open(tmp_path / "rows.csv", newline="") as handle:
        assert [row["index"] for row in csv.DictReader(handle)] == ["0", "1", "2"]


def test_a_row_that_a_power_cut_tore_keeps_its_line(tmp_path, a_result):
    (tmp_path / "rows.jsonl").write_text('{"index":1}\n{"ind')
    sink = JsonLinesSink(tmp_path / "rows.jsonl", append=True)
    sink.write(a_result(7))
    first, torn, added = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert (first, torn, json.loads(added)["index"]) == ('{"index":1}', '{"ind', 7)


def test_rows_with_other_columns_are_left_alone(tmp_path, a_result):
    path = tmp_path / "rows.csv"
    sink = CsvSink(path, LABELS, append=True)
    path.write_text("name,age\n")  # meanwhile
    with pytest.raises(EdgeError, match="other columns"):
        sink.write(a_result(0))
    with pytest.raises(EdgeError, match="other columns"):  # there before the run: nothing is read for it
        CsvSink(path, LABELS, append=True)
    assert path.read_text() == "name,age\n"


def test_kept_frames_leave_room_on_the_disk(tmp_path, a_result, monkeypatch):
    monkeypatch.setattr("device.sinks.frames.KEPT_FREE_MB", 10**9)  # more than any disk has
    sink = FrameFilesSink(tmp_path / "kept")
    sink.begin()
    with pytest.raises(EdgeError, match="kept ends here: less than"):
        sink.write(a_result(0))
    assert not list((tmp_path / "kept").iterdir())


def test_rows_that_are_rotated_away_leave_their_header(tmp_path, a_result):
    path = tmp_path / "rows.csv"
    for index in range(2):
        sink = CsvSink(path, LABELS, append=True)  # a second start finds the columns that it gives
        sink.write(a_result(index))
        os.truncate(path, 0)  # as logrotate does with copytruncate
        sink.write(a_result(index))
        sink.close()
    header, *rows = path.read_text().splitlines()
    assert header.startswith("index,captured_at,")
    assert [row.partition(",")[0] for row in rows] == ["1"]


def test_added_rows_leave_room_on_the_disk(tmp_path, a_result, monkeypatch):
    monkeypatch.setattr("device.sinks.row_file.KEPT_FREE_MB", 10**9)  # more than any disk has
    with pytest.raises(EdgeError, match="ends here: less than"):
        JsonLinesSink(tmp_path / "rows.jsonl", append=True).write(a_result(0))
    sink = JsonLinesSink(tmp_path / "few.jsonl")
    sink.write(a_result(0))  # a file that was asked for once ends with its run
    sink.close()


def test_csv_has_a_row_a_face_and_one_for_nobody(tmp_path, a_result):
    sink = CsvSink(tmp_path / "rows.csv", LABELS)
    for index, faces in enumerate((2, 0, 1)):
        sink.write(a_result(index, faces))
    sink.close()
    with open(tmp_path / "rows.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["index"], row["id"], row["happy"]) for row in rows] == [
        ("0", "1", "0.75"),
        ("0", "2", "0.75"),
        ("1", "", ""),
        ("2", "1", "0.75"),
    ]


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


@pytest.mark.parametrize("kind", [JsonLinesSink, CsvSink])
def test_a_row_that_the_disk_has_no_room_for_leaves_nothing_behind(tmp_path, a_result, kind):
    path = tmp_path / "rows"
    sink = kind(path, LABELS) if kind is CsvSink else kind(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    sink.begin()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
        with pytest.raises(EdgeError, match="cannot write"):
            any(map(sink.write, map(a_result, range(100))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sink.close()
    assert 3000 < path.stat().st_size <= 4000
    assert path.read_text().endswith("\n")
    rows = path.read_text().splitlines()
    if kind is CsvSink:
        assert len({len(row) for row in csv.reader(rows)}) == 1
    else:
        assert [json.loads(row)["index"] for row in rows] == list(range(len(rows)))
