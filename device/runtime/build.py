"""From the options of ``device run`` to a running session."""

import contextlib
import logging
from typing import TYPE_CHECKING

from device.frames import CROP_MARGIN
from device.runtime.asked import asked_model, checked_rules
from device.runtime.asked_sinks import open_sinks, unattended_sinks
from device.runtime.latency import DEFAULT_WARMUP, LatencyRecorder
from device.runtime.options import RunOptions
from device.runtime.refusals import refuse_contradictions, refuse_outputs, remark_on_pictures
from device.runtime.session import RunStatistics, run_session
from device.runtime.stopping import Stop, stopped_after

if TYPE_CHECKING:
    from device.model.expression_model import ExpressionModel
    from device.runtime.frame_loop import FrameLoop

log = logging.getLogger(__name__)


def run_with(
    options: RunOptions, stop: Stop | None = None, terminal: str = "off", warmup: int = DEFAULT_WARMUP
) -> RunStatistics:
    """Run as ``options`` say, until ``stop`` at the latest.

    ``terminal``: off, line (in place) or rows (a line a frame). The first ``warmup`` frames are in no latency figure.
    """
    from device.capture.sources import open_source
    from device.runtime.turned_pictures import TurnedPictures
    from device.service.model_store import begin_run, spared_start

    refuse_contradictions(options)
    source = open_source(options.source, options.camera_settings())
    refuse_outputs(options, source)
    remark_on_pictures(options, source)
    if options.model is None and (said := begin_run()):
        log.warning(said)
    model = asked_model(options)
    if model.colour and source.live:  # a camera, which may have been asked for gray
        source = open_source(options.source, options.camera_settings(colour=True))
    loop = frame_loop(options, model, source.continuous, warmup)
    rules = checked_rules(options, model, source)
    stop = stop or Stop()
    trial = contextlib.nullcontext() if options.model else spared_start(model.path.name)
    with trial, stopped_after(stop, options.seconds):
        inline = unattended_sinks(options, model)
        if source.continuous:
            inline.append(TurnedPictures(loop.finder.detector, options.rotate, options.flip))
        sinks = open_sinks(options, source, model, rules, terminal, stop)
        return run_session(source, loop, sinks, stop, options.max_frames, inline=inline)


def frame_loop(
    options: RunOptions, model: "ExpressionModel", continuous: bool, warmup: int = DEFAULT_WARMUP
) -> "FrameLoop":
    """Return the loop that finds faces as ``options`` say and asks ``model`` about them."""
    import cv2

    from device.faces.alignment import FaceCropper
    from device.faces.detectors import create_detector
    from device.faces.face_finder import FaceFinder
    from device.runtime.frame_loop import FrameLoop
    from device.runtime.prior import with_prior
    from device.runtime.smoothing import ScoreSmoother

    if not model.range_is_known:
        log.warning(
            f"nothing tells which pixel values {model.path} takes; {model.pixel_range} is assumed: pass `pixel_range` "
            f"as in training, of {', '.join(model.pixel_ranges)}; 'toolkit evaluate' finds it on "
            "labelled faces"
        )
    cv2.setNumThreads(options.threads)
    detector = create_detector(
        options.detector, options.min_face, options.detector_model, reduce=not options.every_frame
    )
    margin_ratio, aligned = detector.margin_ratio, True
    if model.metadata is not None:
        margin_ratio *= model.metadata.crop_margin / CROP_MARGIN  # told in widths of YuNet's box
        aligned = model.metadata.aligned
    cropper = FaceCropper(margin_ratio, max(model.input_size_hw), aligned, model.colour)
    finder = FaceFinder(detector, options.every_frame, options.min_face)
    smoother = ScoreSmoother(options.smoothing)
    classifier = with_prior(model, options.prior)
    return FrameLoop(finder, classifier, smoother, LatencyRecorder(warmup), continuous, cropper)
