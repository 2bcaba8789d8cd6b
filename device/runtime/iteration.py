"""The frame loop for Python programs: results one by one, in the caller's own loop."""

import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from device.capture.live_capture import opened_frames
from device.capture.settings import CameraSettings
from device.capture.sources import open_source
from device.frames import FrameSource
from device.model.expression_model import ExpressionModel, load_model
from device.results import FrameResult
from device.runtime.build import frame_loop
from device.runtime.frame_loop import FrameLoop
from device.runtime.options import RunOptions


def run(
    source: str | FrameSource | None = None,
    *,
    model: str | Path | ExpressionModel | None = None,
    detector: str | None = None,
    min_face: int = RunOptions.min_face,
    prior: str | None = RunOptions.prior,
    smoothing: float = RunOptions.smoothing,
    threads: int = RunOptions.threads,
    max_frames: int | None = None,
) -> Iterator[FrameResult]:
    """Return an iterator over the results of a source's frames, with the defaults of ``device run``.

    ``source``: as ``--source``, or a source of ``open_source``; None: the device's camera. ``model``: a ``.tflite``, or
    what ``load_model`` returned; None: the packaged model. ``min_face`` in pixels, ``prior`` as of ``device run``,
    ``smoothing`` in seconds. Of a camera only the newest frame is taken, so a slow loop sees fewer frames, not older
    ones.

    Raises EdgeError at once for a wrong model, detector or source name, and while iterating for a source that cannot
    be opened. The source is closed when the iterator ends or is closed.

    >>> from device import run
    >>> rows = []
    >>> for result in run("demo:9"):
    ...     for face in result.faces:
    ...         rows.append((result.index, face.id, face.label, face.probability))
    """
    options = RunOptions(
        detector=detector, min_face=min_face, prior=prior, smoothing=smoothing, threads=threads
    )
    loaded = model if isinstance(model, ExpressionModel) else load_model(model, threads=threads)
    settings = CameraSettings(colour=loaded.colour)
    opened = source if isinstance(source, FrameSource) else open_source(source, settings)
    return _results(opened, frame_loop(options, loaded, opened.continuous, warmup=0), max_frames)


def _results(source: FrameSource, loop: FrameLoop, max_frames: int | None) -> Iterator[FrameResult]:
    with opened_frames(source, threading.Event()) as (frames, _):
        yield from loop.results(islice(frames, max_frames))
