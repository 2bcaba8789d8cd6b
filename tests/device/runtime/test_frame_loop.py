"""The whole loop on real pictures, with a real detector and a real interpreter."""

import contextlib
import threading
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from whole_run import play

from device.capture.sources.demo import RATE, DemoSource, MovingFace
from device.errors import EdgeError
from device.frames import Frame
from device.runtime.build import frame_loop
from device.runtime.options import RunOptions
from device.runtime.session import run_session
from device.runtime.smoothing import ScoreSmoother
from device.runtime.stopping import Stop
from device.sinks import Sink

CROSSING = (
    MovingFace(110, (320, 240), (-200, 0), 8.0, 0.25),
    MovingFace(110, (320, 250), (200, 0), 8.0, 0.25),
)


def test_the_demo_is_found_where_it_is_known_to_be(make_loop):
    source = DemoSource(200)
    results, statistics = play(make_loop(), source)
    hits = false = 0
    for result in results[5:]:
        truth = [face.box(result.index / RATE) for face in source.faces]
        false += sum(all(face.box.iou(box) < 0.4 for box in truth) for face in result.faces)
        hits += sum(any(face.box.iou(box) >= 0.5 for face in result.faces) for box in truth)
    assert hits >= 0.97 * 2 * 195
    assert false <= 0.01 * 2 * 195
    assert statistics.ids == 2
    assert statistics.frames == 200
    assert set(statistics.latency) == {"detect", "crop", "classify", "loop", "frame", "age"}


def test_crossing_faces_keep_their_ids(make_loop):
    source = DemoSource(240, faces=CROSSING, hold_s=100.0)
    results, _ = play(make_loop(), source)
    owners: dict[int, set[int]] = {}
    for result in results:
        truth = [face.box(result.index / RATE) for face in source.faces]
        if abs(truth[0].center_xy[0] - truth[1].center_xy[0]) < 120:
            continue  # while one covers the other nobody can say
        for face in result.faces:
            nearest = int(np.argmax([face.box.iou(box) for box in truth]))
            if face.box.iou(truth[nearest]) > 0.4:
                owners.setdefault(face.id, set()).add(nearest)
    assert owners
    assert all(len(own) == 1 for own in owners.values()), owners


def test_it_searches_the_whole_frame_only_now_and_then(make_loop):
    quick, thorough = make_loop(), make_loop(every_frame=True)
    play(quick, DemoSource(120))
    play(thorough, DemoSource(20))
    assert thorough.finder.full_frame_detections == 20
    assert quick.finder.full_frame_detections <= 120 / 6


def test_an_empty_scene_is_nobody_and_stays_so(make_loop):
    results, statistics = play(make_loop(), DemoSource(60, faces=()))
    assert all(result.faces == () and result.summary == "no face" for result in results)
    assert results[0].to_json()["result"] == "no face"
    assert statistics.frames_with_faces == 0


def test_twenty_faces_go_through_one_inference(make_loop):
    faces = [MovingFace(80, (70 + 125 * (n % 5), 60 + 115 * (n // 5)), (0, 0), 1.0) for n in range(20)]
    batches = []
    loop = make_loop()
    predict = loop.model.predict
    loop.model.predict = lambda crops: batches.append(len(crops)) or predict(crops)
    results, _ = play(loop, DemoSource(12, faces=faces))
    assert len(results[-1].faces) >= 16
    assert len({face.id for face in results[-1].faces}) == len(results[-1].faces)
    assert max(batches) == len(results[-1].faces) <= 20
    assert len(batches) <= 12


def test_scores_are_smoothed_a_face_and_labels_grow_calm():
    smoother = ScoreSmoother(0.5)
    rng = np.random.default_rng(0)
    raw, smooth = [], []
    for n in range(300):
        scores = np.array([0.55, 0.45]) + rng.normal(0, 0.15) * np.array([1, -1])
        raw.append(scores.argmax())
        smooth.append(smoother.smooth(1, scores, n / 30).argmax())
        other = smoother.smooth(2, np.array([0.0, 1.0]), n / 30)
        assert other.argmax() == 1
    changes = [np.count_nonzero(np.diff(labels)) for labels in (raw, smooth)]
    assert changes[1] < 0.2 * changes[0]
    assert (ScoreSmoother(0.0).smooth(1, np.array([0.2, 0.8]), 1.0) == [0.2, 0.8]).all()
    for face_id in range(1000):
        smoother.smooth(face_id, np.array([0.5, 0.5]), 10.0 + face_id)
        smoother.forget_old(10.0 + face_id)
    assert len(smoother._faces) < 20


def test_frames_of_any_size_and_colour_go_through(make_loop):
    loop = make_loop()
    rng = np.random.default_rng(0)
    shapes = [(480, 640, 3), (481, 641), (480, 640), (17, 2000, 3), (1, 1), (1000, 30)]
    for index, shape in enumerate(shapes):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        result = loop.process(Frame(image, index, index * 33_000_000))
        assert result.frame.size_wh == (shape[1], shape[0])


def test_a_sink_that_fails_is_left_out_and_the_loop_goes_on(make_loop, said):
    class Failing(Sink):
        name, written, closed = "failing", 0, 0

        def write(self, result):
            self.written += 1
            if self.written == 3:
                raise EdgeError("disk full")

        def close(self):
            self.closed += 1

    failing = Failing()
    statistics = run_session(DemoSource(10, faces=()), make_loop(), [failing], Stop())
    assert statistics.frames == 10
    assert (failing.written, failing.closed) == (3, 1)
    assert said == ["disk full; going on without it"]
    assert statistics.notes == ("failing lacks 8 of 10 results: disk full",)
    assert statistics.lost == (
        "failing lacks 8 of 10 results: see the warning of it; mend that, then run again",
    )


def test_an_inline_sink_that_fails_at_the_end_leaves_no_output_half_written(make_loop, said):
    class Failing:
        name = "failing"

        def write(self, result): ...

        def close(self):
            raise MemoryError("no room")

    class Closing(Sink):
        name, closed = "closing", 0

        def write(self, result): ...

        def close(self):
            self.closed += 1

    closing = Closing()
    assert (
        run_session(DemoSource(3, faces=()), make_loop(), [closing], Stop(), inline=[Failing()]).frames == 3
    )
    assert closing.closed == 1
    assert said == ["failing: MemoryError: no room"]


@pytest.mark.parametrize("broken", [False, True])
def test_what_a_sink_lacks_in_the_end_is_logged_only_where_no_statistics_tell_it(make_loop, said, broken):
    class Incomplete(Sink):
        name = "incomplete"

        def write(self, result): ...

        def close(self):
            raise EdgeError("two rows never arrived; look there")

    class Breaking(DemoSource):
        def picture(self, index):
            if broken and index == 4:
                raise EdgeError("the camera is gone")
            return super().picture(index)

    source = Breaking(10, faces=())
    with pytest.raises(EdgeError, match="the camera is gone") if broken else contextlib.nullcontext():
        statistics = run_session(source, make_loop(), [Incomplete()], Stop())
        assert statistics.lost == statistics.notes == ("two rows never arrived; look there",)
    assert said == (["two rows never arrived; look there"] if broken else [])


def test_a_live_source_is_stopped_from_outside(make_loop):
    class Watcher(Sink):
        name, written = "watcher", 0

        def write(self, result):
            self.written += 1
            if self.written == 3:
                threading.Thread(target=stop.because, args=["the test"]).start()

    stop = Stop()
    statistics = run_session(DemoSource(None, live=True), make_loop(), [Watcher()], stop)
    assert statistics.ended_by == "the test"
    assert statistics.frames >= 3


def test_memory_is_flat(make_loop):
    """Nothing is kept a frame: what is held after 150 frames is held after 450."""
    loop, held = make_loop(), []

    class Watch:
        name = "watch"

        def write(self, result):
            held.append(tracemalloc.get_traced_memory()[0])

        def close(self): ...

    tracemalloc.start()
    try:
        run_session(DemoSource(450, hold_s=0.5), loop, [], Stop(), inline=[Watch()])
    finally:
        tracemalloc.stop()
    # Each face keeps the frame in which it was last seen: the least of some frames is without that.
    assert min(held[410:]) - min(held[120:160]) < 100_000


def test_each_stage_has_the_time_it_took(make_loop):
    """The clock is read once between two stages: here it gains 1, 2, 4 and 8 ms from one reading to the next."""
    loop = make_loop()
    with DemoSource(10) as demo:
        *before, last = demo
        for frame in before:
            loop.process(frame)
        readings = iter(np.array([0, 1, 3, 7, 15]) * 1_000_000 + last.captured_ns + 500_000)
        loop.clock_ns = lambda: int(next(readings))
        result = loop.process(last)
    assert result.faces
    assert result.latency_ms == {"detect": 1.0, "crop": 2.0, "classify": 4.0, "loop": 8.0, "frame": 15.0}
    assert result.age_ms == 15.5
    assert next(readings, None) is None


def test_a_face_that_is_only_remembered_keeps_its_label(make_loop):
    """While a hand covers the face, what is seen in its place changes neither label nor scores."""
    source = DemoSource(24, faces=(MovingFace(140, (320, 240), (0, 0), 1.0),), hold_s=100.0)
    loop, results = make_loop(), []
    with source:
        for number in range(24):
            image = source.picture(0)
            if number >= 20:
                image[230:250, 250:390] = 90  # too little to be another picture, too much for the cascade
            results.append(loop.process(Frame(image, number, number * 33_000_000)))
    shown = [face for result in results for face in result.faces]
    remembered = [(before, face) for before, face in pairwise(shown) if not face.detected]
    assert shown[0].detected
    assert remembered
    assert all(face.smoothed == before.smoothed for before, face in remembered)
    assert all(face.smoothed_label == before.smoothed_label for before, face in remembered)


def test_crops_are_cut_at_the_models_own_size():
    """A network of 96 pixels gets what the frame shows at 96, not a crop of 48 made larger."""
    sizes = []

    class Large:
        labels, input_size_hw, metadata, colour, range_is_known = ("a", "b"), (96, 96), None, False, True

        def predict(self, crops):
            sizes.append(crops.shape[1:])
            return np.full((len(crops), 2), 0.5, np.float32)

    loop = frame_loop(RunOptions(detector="haar"), Large(), continuous=True)
    with DemoSource(8) as source:
        for frame in source:
            loop.process(frame)
    assert set(sizes) == {(96, 96)}
