"""Rows in files, JSON lines and CSV: at once, added, torn, rotated away, on a full disk."""

import csv
import json
import os
import resource

import pytest

from device.capture.sources.demo import DemoSource
from device.errors import EdgeError
from device.sinks.csv import CsvSink
from device.sinks.jsonl import JsonLinesSink
from device.sinks.video import VideoSink

LABELS = ("happy", "sad")


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
