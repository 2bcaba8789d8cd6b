"""From the options of ``device run`` to a running session."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device.errors import UsageError
from device.files import refuse_existing
from device.session import RunStatistics, Stop, run_session, stopped_by_signals
from device.sinks import Sink


@dataclass(frozen=True)
class RunOptions:
    """What a run is asked for; the names and defaults of the command's options."""

    source: str | None = None
    model: str | None = None
    labels: str | None = None
    detector: str = "haar"
    detector_model: str | None = None
    min_face: int = 48
    smoothing: float = 0.4
    every_frame: bool = False
    threads: int = 1
    max_frames: int | None = None
    output: str | None = None
    overwrite: bool = False


def run_with(options: RunOptions, report: Callable[[str], None], terminal: str = "off") -> RunStatistics:
    """Run as ``options`` say; ``terminal``: off, line (in place) or rows (a line a frame)."""
    import cv2

    from device.detectors import create_detector
    from device.latency import LatencyRecorder
    from device.model import load_model
    from device.pipeline import REFERENCE_MARGIN_RATIO, FrameLoop
    from device.search import FaceFinder
    from device.smoothing import ScoreSmoother
    from device.sources import open_source

    cv2.setNumThreads(options.threads)
    refuse_outputs(options)
    source = open_source(options.source)
    detector = create_detector(
        options.detector, options.min_face, options.detector_model, reduce=not options.every_frame
    )
    model = load_model(options.model, labels_from(options.labels), options.threads)
    margin_ratio = detector.margin_ratio
    if model.metadata is not None:
        margin_ratio *= model.metadata.crop_margin / REFERENCE_MARGIN_RATIO
    finder = FaceFinder(detector, options.every_frame)
    smoother = ScoreSmoother(options.smoothing)
    loop = FrameLoop(finder, model, smoother, LatencyRecorder(), source.continuous, margin_ratio)
    stop = Stop()
    with stopped_by_signals(stop):
        sinks = open_sinks(options, terminal)
        return run_session(source, loop, sinks, stop, report, options.max_frames)


def labels_from(text: str | None) -> tuple[str, ...] | None:
    """Return the labels of ``--labels``: a file with one a line, or names with commas between."""
    if text is None:
        return None
    path = Path(text)
    named = path.read_text(encoding="utf-8").splitlines() if path.is_file() else text.split(",")
    labels = tuple(name.strip() for name in named if name.strip())
    if not labels:
        raise UsageError(
            f"--labels {text} names no label; expected names with commas between, or a file of lines"
        )
    return labels


def refuse_outputs(options: RunOptions) -> None:
    """Refuse an existing output before anything slow or visible happens."""
    if options.output:
        refuse_existing(options.output, options.overwrite)


def open_sinks(options: RunOptions, terminal: str) -> list[Sink]:
    """Open every sink that the options ask for."""
    from device.sinks.jsonl import JsonLinesSink
    from device.sinks.terminal import TerminalSink

    sinks: list[Sink] = []
    if options.output:
        sinks.append(JsonLinesSink(options.output, options.overwrite))
    if terminal != "off":
        sinks.append(TerminalSink(sys.stderr, every_frame=terminal == "rows"))
    return sinks
