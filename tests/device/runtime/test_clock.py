"""A board's clock, wrong until the network tells it the time."""

import itertools
from datetime import UTC, datetime

from whole_run import play

from device.board.state import clock_is_set
from device.capture.sources.demo import DemoSource
from device.faces.detectors import create_detector
from device.faces.face_finder import FaceFinder
from device.model.expression_model import load_model
from device.runtime.frame_loop import FrameLoop
from device.runtime.latency import LatencyRecorder
from device.runtime.smoothing import ScoreSmoother


def test_a_clock_that_is_set_meanwhile_changes_nothing_but_the_date(tiny_model):
    """A Pi starts with an old date and steps by years once the network tells the time."""

    def played(stepped: bool):
        dates, ticks = [], itertools.count(0, 20_000_000)  # five readings a frame: ten frames a second
        finder = FaceFinder(create_detector("haar"))
        loop = FrameLoop(
            finder,
            load_model(tiny_model),
            ScoreSmoother(0.4),
            LatencyRecorder(),
            utc_now=lambda: (
                dates.append(0) or datetime(2026 if stepped and len(dates) > 20 else 2019, 6, 1, tzinfo=UTC)
            ),
            clock_ns=lambda: next(ticks),
            clock_is_set=lambda: asked.append(len(dates)) or (stepped and len(dates) > 20),
        )
        return play(loop, DemoSource(40))[0]

    asked = []
    steady = played(False)
    assert asked == [1, 11, 21, 31]  # once a second
    asked.clear()
    stepped = played(True)
    assert asked == [1, 11, 21]  # until it is set
    assert [one.faces for one in stepped] == [one.faces for one in steady]
    assert any(one.faces for one in steady)
    dated = [one.to_json() for one in stepped]
    assert {(row["captured_at"][:4] == "2026", row["clock_set"]) for row in dated[20:]} == {(True, True)}
    assert {row["clock_set"] for row in dated[:20]} == {False}


def test_timesyncd_says_whether_the_clock_is_set(tmp_path):
    assert clock_is_set(tmp_path) is None
    folder = tmp_path / "run/systemd/timesync"
    folder.mkdir(parents=True)
    assert clock_is_set(tmp_path) is False
    (folder / "synchronized").touch()
    assert clock_is_set(tmp_path) is True
