"""A whole run: a source, the frame loop and the sinks, from the first frame to the last statistics."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from device.capture.live_capture import LiveCapture, opened_frames
from device.frames import FrameSource
from device.results import FrameResult
from device.runtime.frame_loop import STAGES, FrameLoop
from device.runtime.running_sinks import Inline, RunningSinks
from device.runtime.stopping import Stop
from device.sinks import Sink
from device.text import counted, printable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunStatistics:
    """What a run came to. ``ids`` counts the different faces seen.

    ``outputs`` tells for each asked output how many results were ``written`` and ``dropped``, together ``frames``;
    ``notes`` has a line for each that is incomplete, ``lost`` the same without a cause that was logged when it came.
    ``expressions`` counts the detected faces of all frames by their calm label, most frequent first.
    """

    source: str
    frames: int
    frames_with_faces: int
    faces: int
    ids: int
    seconds: float
    first_result_s: float | None
    dropped: int
    reopened: int
    ended_by: str
    latency: dict[str, Any]
    expressions: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    outputs: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    continuous: bool = True

    def to_json(self) -> dict[str, Any]:
        document = dict(self.__dict__)
        document["latency"] = {stage: figures.to_json() for stage, figures in self.latency.items()}
        document["notes"] = list(self.notes)
        del document["lost"], document["continuous"]
        return document

    def lines(self) -> list[str]:
        """Return the statistics for a person."""
        rate = self.frames / self.seconds if self.seconds > 0 else 0.0
        shown, faces = ("frame", "different face") if self.continuous else ("picture", "face")
        lines = [
            f"{printable(self.source)}: {counted(self.frames, shown)} in {self.seconds:.1f} s ({rate:.1f}/s), "
            f"{self.frames_with_faces} with faces, {counted(self.ids, faces)}; ended by {self.ended_by}",
        ]
        if self.expressions:
            seen = ", ".join(
                f"{label} {100 * count / sum(self.expressions.values()):.0f} %"
                for label, count in self.expressions.items()
            )
            lines.append(
                f"expressions of {counted(sum(self.expressions.values()), 'face')} in all {shown}s: {seen}"
            )
        if self.dropped or self.reopened:
            again = f", the source opened again {counted(self.reopened, 'time')}" if self.reopened else ""
            lines.append(f"{counted(self.dropped, 'late frame')} dropped{again}")
        if self.latency:
            lines.append(f"{'stage, ms':<10}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}")
        for stage, one in self.latency.items():
            lines.append(
                f"{stage:<10}{one.p50_ms:>10.3f}{one.p90_ms:>10.3f}{one.p99_ms:>10.3f}{one.max_ms:>10.3f}"
            )
        return lines


@dataclass
class Tally:
    """Counts what a run comes to, a result at a time."""

    started_s: float
    frames: int = 0
    frames_with_faces: int = 0
    faces: int = 0
    ids: int = 0
    first_result_s: float | None = None
    expressions: Counter[str] = field(default_factory=Counter)

    def add(self, result: FrameResult, now_s: float) -> None:
        if self.first_result_s is None:
            self.first_result_s = now_s - self.started_s
        self.frames += 1
        self.frames_with_faces += bool(result.faces)
        self.faces += len(result.faces)
        self.expressions.update(face.smoothed_label for face in result.faces if face.detected)
        self.ids = max([self.ids, *(face.id for face in result.faces)])


def run_session(
    source: FrameSource,
    loop: FrameLoop,
    sinks: Sequence[Sink],
    stop: Stop,
    max_frames: int | None = None,
    inline: Sequence[Inline] = (),
) -> RunStatistics:
    """Run until the source ends, ``max_frames`` are done or ``stop`` is set; return the statistics.

    ``sinks`` run in threads of their own, ``inline`` ones in this. A fault that the run survives is logged. Raises
    EdgeError if the source cannot be opened at all.
    """
    running = RunningSinks(sinks, inline, source.live, stop)
    tally = Tally(time.monotonic())
    try:
        with opened_frames(source, stop) as (pictures, live):
            if not stop.is_set():  # else it may not have been opened
                running.begin()
            for result in loop.results(islice(pictures, max_frames)):
                tally.add(result, time.monotonic())
                running.write(result)
    except BaseException:
        running.close()
        for one in running.incomplete:  # no statistics will tell
            log.warning(one.last_word)
        raise
    running.close()
    if max_frames is not None and tally.frames >= max_frames:
        stop.because("--max-frames")
    for note in source.notes:
        log.warning(note)
    return _statistics(source, loop, tally, live, stop.reason, running)


def _statistics(
    source: FrameSource,
    loop: FrameLoop,
    tally: Tally,
    live: LiveCapture | None,
    ended_by: str,
    running: RunningSinks,
) -> RunStatistics:
    stats = loop.latency.stats()
    return RunStatistics(
        source=source.name,
        frames=tally.frames,
        frames_with_faces=tally.frames_with_faces,
        faces=tally.faces,
        ids=tally.ids if source.continuous else tally.faces,
        seconds=time.monotonic() - tally.started_s,
        first_result_s=tally.first_result_s,
        dropped=live.dropped if live else 0,
        reopened=live.reopened if live else 0,
        ended_by=ended_by,
        latency={stage: stats[stage] for stage in STAGES if stage in stats},
        expressions=dict(tally.expressions.most_common()),
        notes=(*source.notes, *(one.loss for one in running.incomplete)),
        outputs=running.outputs,
        lost=tuple(one.last_word for one in running.incomplete),
        continuous=source.continuous,
    )
