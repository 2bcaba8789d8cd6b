"""The timeline: what stands where in the picture, how long runs fit, what is refused."""

import dataclasses

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from device.sinks.timeline import COLOURS, COLUMNS, EDGE, HEIGHT, TimelineSink

LABELS = ("happy", "sad")


@pytest.fixture
def shown(a_result):
    """A function from index, label and a film's time to a result with one face of that label."""

    def make(index, label, media_s=None, name="", detected=True):
        result = a_result(index, 1)
        face = dataclasses.replace(result.faces[0], smoothed_label=label, detected=detected)
        frame = dataclasses.replace(result.frame, media_s=media_s, name=name)
        return dataclasses.replace(result, frame=frame, faces=(face,))

    return make


def colours_of(picture: np.ndarray, x: int) -> set:
    return {tuple(map(int, pixel)) for pixel in picture[EDGE + 2 : EDGE + HEIGHT - 2, x]}


def test_the_first_half_is_happy_the_second_sad(tmp_path, shown):
    sink = TimelineSink(tmp_path / "run.png", LABELS)
    for index in range(100):
        sink.write(shown(index, "happy" if index < 50 else "sad", media_s=index / 10))
    sink.close()
    picture = cv2.imread(str(tmp_path / "run.png"))
    assert (picture == sink.picture()).all()
    columns = len(sink.columns)
    step = COLUMNS * 2 // columns
    assert {COLOURS[0]} <= colours_of(picture, EDGE + 4 * step) <= {COLOURS[0], (255, 255, 255)}
    assert {COLOURS[1]} <= colours_of(picture, EDGE + (columns - 1) * step) <= {COLOURS[1], (255, 255, 255)}


def test_a_day_fits_and_nothing_is_lost(tmp_path, shown):
    sink = TimelineSink(tmp_path / "run.png", LABELS)
    for index in range(1440):
        sink.write(shown(index, "happy", media_s=index * 60))
    assert len(sink.columns) <= COLUMNS
    assert sum(column["happy"] for column in sink.columns) == 1440
    assert sink.picture().shape[1] < 1100


def test_pictures_have_a_step_each_and_remembered_faces_do_not_count(tmp_path, shown):
    sink = TimelineSink(tmp_path / "run.png", LABELS)
    sink.write(shown(0, "happy", name="a.jpg"))
    sink.write(shown(1, "sad", name="b.jpg"))
    sink.write(shown(2, "sad", name="c.jpg", detected=False))
    assert [dict(column) for column in sink.columns] == [{"happy": 1}, {"sad": 1}, {}]


def test_existing_files_are_refused(tmp_path):
    (tmp_path / "run.png").write_bytes(b"mine")
    with pytest.raises(EdgeError, match="`overwrite`"):
        TimelineSink(tmp_path / "run.png", LABELS)


def test_a_cameras_time_does_not_jump_when_the_clock_is_set(tmp_path, shown):
    sink = TimelineSink(tmp_path / "run.png", LABELS)
    for index in range(20):
        result = shown(index, "happy")
        frame = dataclasses.replace(result.frame, captured_ns=index * 10**8)
        year = 2019 if index < 10 else 2026
        sink.write(
            dataclasses.replace(result, frame=frame, captured_at=result.captured_at.replace(year=year))
        )
    assert len(sink.columns) * sink.width < 3
