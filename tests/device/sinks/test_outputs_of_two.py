"""What two runs write never stands mixed in one file or folder, and neither takes the other's away."""

import cv2
import pytest

from device.capture.sources.demo import DemoSource
from device.errors import EdgeError
from device.sinks.csv import CsvSink
from device.sinks.frames import AnnotatedFilesSink, FrameFilesSink
from device.sinks.jsonl import JsonLinesSink
from device.sinks.video import VideoSink

WRITTEN = r"another program writes .*; let it end, or name another file"


def rows_sink(path, append, overwrite=True):
    if path.suffix == ".csv":
        return CsvSink(path, ("happy", "sad"), overwrite=overwrite, append=append)
    return JsonLinesSink(path, overwrite=overwrite, append=append)


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_file_that_another_run_writes_is_refused_until_it_ends(tmp_path, a_result, kind, append):
    path = tmp_path / f"rows.{kind}"
    first, second = rows_sink(path, append), rows_sink(path, append)
    first.begin()
    first.write(a_result(0))
    kept = path.read_bytes()
    with pytest.raises(EdgeError, match=WRITTEN):
        second.begin()
    assert path.read_bytes() == kept
    first.close()
    second.begin()
    second.close()
    assert path.read_bytes().startswith(kept) == append


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_rows_that_came_meanwhile_are_not_replaced_unasked(tmp_path, a_result, kind):
    path = tmp_path / f"rows.{kind}"
    first, second = (rows_sink(path, append=False, overwrite=False) for _ in range(2))
    first.begin()
    first.write(a_result(0))
    first.close()
    kept = path.read_bytes()
    with pytest.raises(EdgeError, match="exists already; pass `overwrite`"):
        second.begin()
    assert path.read_bytes() == kept


def frames_of(path) -> int:
    film, count = cv2.VideoCapture(str(path)), 0
    while film.read()[0]:
        count += 1
    return count


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_a_film_that_another_run_writes_stays_its_own(tmp_path, a_result, suffix):
    path = tmp_path / f"film{suffix}"
    first, second = (VideoSink(path, DemoSource(), overwrite=True) for _ in range(2))
    first.begin()
    first.write(a_result(0))
    with pytest.raises(EdgeError, match=WRITTEN):
        second.begin()
    first.write(a_result(1))
    first.close()
    assert frames_of(path) == 2
    second.begin()
    second.write(a_result(0))
    second.close()
    assert frames_of(path) == 1
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("overwrite", [True, False])
def test_of_two_films_begun_together_one_is_written(tmp_path, a_result, overwrite):
    path = tmp_path / "film.mkv"
    first, second = (VideoSink(path, DemoSource(), overwrite) for _ in range(2))
    first.begin()
    second.begin()
    first.write(a_result(0))
    with pytest.raises(EdgeError, match=WRITTEN if overwrite else "exists already"):
        second.write(a_result(0))
    second.close()
    first.close()
    assert frames_of(path) == 1
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", [FrameFilesSink, AnnotatedFilesSink])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_that_another_run_fills_is_refused_until_it_ends(tmp_path, a_result, kind, overwrite):
    first, second = (kind(tmp_path / "pictures", overwrite) for _ in range(2))
    first.begin()
    first.write(a_result(0))
    with pytest.raises(EdgeError, match=r"another program works in .*pictures; let it end, then try again"):
        second.begin()
    assert len(list((tmp_path / "pictures").iterdir())) == 1
    first.close()
    if overwrite:
        second.begin()
        second.close()
        return
    with pytest.raises(EdgeError, match="is not empty; pass `overwrite`"):
        second.begin()
