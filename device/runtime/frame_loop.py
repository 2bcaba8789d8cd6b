"""One frame in, its faces and their expressions out: find, crop, classify, smooth, each stage timed."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from device.board.state import clock_is_set, now_utc
from device.faces.alignment import FaceCropper
from device.faces.face_finder import FaceFinder
from device.faces.tracking import TrackedFace
from device.frames import Frame
from device.results import Face, FrameResult
from device.runtime.latency import LatencyRecorder
from device.runtime.smoothing import ScoreSmoother

ROLL_SMOOTHING_S = 0.3  # of the angle by which a face is turned: its median error is 4 degrees a frame
CLOCK_ASKED_NS = 1_000_000_000
# loop: what is none of the three; frame: all of it; age: from capture to result.
STAGES = ("detect", "crop", "classify", "loop", "frame", "age")


class Classifier(Protocol):
    """What the loop needs of a model; ``device.model.expression_model.ExpressionModel`` is one."""

    labels: tuple[str, ...]

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return ``(N, C) float32`` probabilities for ``(N, H, W)`` or ``(N, H, W, 3)`` crops of the cropper."""
        ...


class FrameLoop:
    """Turns frames into results, one after another.

    ``continuous`` False: stills, without ids and smoothing. ``cropper`` None: crops for a model that says nothing of
    them. ``clock_ns`` is monotonic and times everything; ``utc_now`` only dates the rows, because it is stepped once
    the network has told the time.
    """

    def __init__(
        self,
        finder: FaceFinder,
        model: Classifier,
        smoother: ScoreSmoother,
        latency: LatencyRecorder,
        continuous: bool = True,
        cropper: FaceCropper | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        utc_now: Callable[[], datetime] = now_utc,
        clock_is_set: Callable[[], bool | None] = clock_is_set,
    ):
        self.finder, self.model, self.smoother, self.latency = finder, model, smoother, latency
        self.continuous = continuous
        self.cropper = cropper or FaceCropper(finder.detector.margin_ratio)
        self.rolls = ScoreSmoother(ROLL_SMOOTHING_S)
        self.clock_ns, self.utc_now, self.clock_is_set = clock_ns, utc_now, clock_is_set
        self._clock_set: bool | None = None
        self._clock_asked_ns: int | None = None

    def results(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Yield the result of each frame."""
        return map(self.process, frames)

    def process(self, frame: Frame) -> FrameResult:
        """Return the faces of one frame, largest first, and the time each stage took."""
        started = self.clock_ns()
        tracked = self.finder.find(frame, self.continuous)
        found = self.clock_ns()
        crops = [self._crop(frame, face) for face in tracked]
        cropped = self.clock_ns()
        scores = self.model.predict(np.stack(crops)) if crops else np.empty((0, len(self.model.labels)))
        classified = self.clock_ns()
        faces = tuple(map(self._describe, tracked, scores, [frame.time_s] * len(tracked)))
        self.smoother.forget_old(frame.time_s)
        self.rolls.forget_old(frame.time_s)
        ended = self.clock_ns()
        spans_ns = {
            "detect": found - started,
            "crop": cropped - found,
            "classify": classified - cropped,
            "loop": ended - classified,
            "frame": ended - started,
        }
        latency_ms = {stage: span / 1e6 for stage, span in spans_ns.items()}
        age_ms = (ended - frame.captured_ns) / 1e6
        self._record(latency_ms, bool(crops), age_ms)
        captured_at = self.utc_now() - timedelta(milliseconds=age_ms)
        untold = tuple(self.finder.untold)
        return FrameResult(frame, captured_at, age_ms, faces, latency_ms, self._clock_is_set(ended), untold)

    def _clock_is_set(self, now_ns: int) -> bool | None:
        """Return whether the date is right, asked once a second until it is."""
        asked_ns = self._clock_asked_ns
        if not self._clock_set and (asked_ns is None or now_ns - asked_ns >= CLOCK_ASKED_NS):
            self._clock_set, self._clock_asked_ns = self.clock_is_set(), now_ns
        return self._clock_set

    def _crop(self, frame: Frame, face: TrackedFace) -> np.ndarray:
        """Return the face upright, by its tilt over the last moments."""
        roll_deg = self.cropper.roll_deg(frame.image, face.box)
        if self.continuous:
            roll_deg = float(self.rolls.smooth(face.id, np.array([roll_deg]), frame.time_s)[0])
        return self.cropper.crop(frame.image, face.box, roll_deg)

    def _smooth(self, face: TrackedFace, scores: np.ndarray, now_s: float) -> tuple[np.ndarray, int]:
        """Return the averaged scores and the label to show; a face that is only remembered keeps both."""
        if not self.continuous:
            return scores, int(scores.argmax())
        known = None if face.detected else self.smoother.last(face.id)
        mean = self.smoother.smooth(face.id, scores, now_s) if known is None else known
        return mean, self.smoother.calm_label(face.id, mean, now_s)

    def _describe(self, tracked: TrackedFace, scores: np.ndarray, now_s: float) -> Face:
        labels = self.model.labels
        smoothed, shown = self._smooth(tracked, scores, now_s)
        best = int(scores.argmax())
        return Face(
            id=tracked.id,
            box=tracked.box,
            label=labels[best],
            probability=float(scores[best]),
            scores=dict(zip(labels, scores.tolist(), strict=True)),
            smoothed_label=labels[shown],
            smoothed=dict(zip(labels, smoothed.tolist(), strict=True)),
            detection_score=tracked.score,
            detected=tracked.detected,
        )

    def _record(self, latency_ms: dict[str, float], any_face: bool, age_ms: float) -> None:
        for stage, ms in latency_ms.items():
            if any_face or stage not in ("crop", "classify"):
                self.latency.record(stage, ms)
        self.latency.record("age", age_ms)
