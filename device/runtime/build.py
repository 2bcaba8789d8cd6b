"""From the options of ``device run`` to a running session."""

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from device.frames import CROP_MARGIN, FrameSource
from device.plugins import SINKS, load_plugin
from device.runtime.asked import asked_broker, asked_model, checked_rules
from device.runtime.latency import DEFAULT_WARMUP, LatencyRecorder
from device.runtime.options import STANDARD_OUTPUT, RunOptions
from device.runtime.refusals import refuse_contradictions, refuse_outputs, remark_on_pictures
from device.runtime.running_sinks import Inline
from device.runtime.session import RunStatistics, run_session
from device.runtime.stopping import Stop, stopped_after
from device.sinks import METRICS, PREVIEW, Sink

if TYPE_CHECKING:
    from device.model.expression_model import ExpressionModel
    from device.runtime.frame_loop import FrameLoop
    from device.sinks.rules import Rule

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
            inline.append(TurnedPictures(loop.finder.detector))
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


def open_sinks(
    options: RunOptions,
    source: FrameSource,
    model: "ExpressionModel",
    rules: "Sequence[Rule]",
    terminal: str,
    stop: Stop,
) -> list[Sink]:
    """Open every sink that the options and ``rules`` ask for; if one cannot be opened, close the others again."""
    sinks: list[Sink] = []
    try:
        for open_sink in _asked_sinks(options, source, model, terminal, stop):
            sinks.append(open_sink())
        if rules:
            sinks.append(_rules(rules, sinks, options.dry_run_rules))
    except BaseException:
        for sink in sinks:
            sink.close()
        raise
    return sinks


def _asked_sinks(
    options: RunOptions, source: FrameSource, model: "ExpressionModel", terminal: str, stop: Stop
) -> Iterator[Callable[[], Sink]]:
    """Yield how to open each asked sink; each is imported only where it is asked for."""
    labels = model.labels
    kept = options.overwrite, options.blur_faces
    if options.output:
        yield lambda: _row_sink(options, labels, not source.continuous, stop)
    if film := options.video:
        from device.sinks.video import VideoSink

        yield lambda: VideoSink(film, source, *kept)
    if pictures := options.save_frames:
        from device.sinks.frames import FrameFilesSink

        log.warning("`save_frames` stores pictures of people in %s", pictures)
        yield lambda: FrameFilesSink(pictures, *kept)
    if marked := options.annotate:
        from device.sinks.frames import AnnotatedFilesSink

        yield lambda: AnnotatedFilesSink(marked, *kept)
    if timeline := options.timeline:
        from device.sinks.timeline import TimelineSink

        yield lambda: TimelineSink(timeline, labels, options.overwrite)
    if options.mqtt:
        yield lambda: _mqtt(options, labels)
    if options.preview:
        yield lambda: _preview(options)
    if address := options.metrics:
        yield lambda: _metrics(address, model)
    for spec in options.sink:
        name, _, argument = spec.partition(":")
        yield functools.partial(load_plugin(SINKS, name), argument, labels)
    if terminal != "off":
        from device.sinks.terminal import TerminalSink

        yield lambda: TerminalSink(sys.stderr, every_frame=terminal == "rows")


def _mqtt(options: RunOptions, labels: Sequence[str]) -> Sink:
    from device.sinks.mqtt import MqttSink, Pictures

    broker, pictures = asked_broker(options), Pictures.NONE
    if options.mqtt_picture:
        log.warning("`mqtt_picture` sends pictures of people to %s", broker.name)
        pictures = Pictures.BLURRED if options.blur_faces else Pictures.PLAIN
    return MqttSink(broker, labels, options.mqtt_topic, pictures=pictures)


def unattended_sinks(options: RunOptions, model: "ExpressionModel") -> list[Inline]:
    """Return what a device that runs alone needs: systemd's watchdog fed, a new model's trial ended."""
    from device.service.model_store import TrialSink
    from device.service.watchdog import WatchdogSink, notify_socket, watchdog_period_s

    sinks: list[Inline] = [] if options.model else [TrialSink(model.path.name)]
    if address := notify_socket():
        sinks.append(WatchdogSink(address, model.predict, watchdog_period_s()))
    return sinks


def _row_sink(options: RunOptions, labels: Sequence[str], named: bool, stop: Stop) -> Sink:
    assert options.output is not None
    if options.output == STANDARD_OUTPUT:
        from device.sinks.jsonl import StandardOutputSink

        return StandardOutputSink(lambda: stop.because("nobody reads the rows"))
    if options.output.endswith(".csv"):
        from device.sinks.csv import CsvSink

        return CsvSink(options.output, labels, options.overwrite, options.append, named)
    from device.sinks.jsonl import JsonLinesSink

    return JsonLinesSink(options.output, options.overwrite, options.append)


def _rules(rules: "Sequence[Rule]", sinks: Sequence[Sink], dry_run: bool) -> Sink:
    """Return what carries out the rules of the settings file; messages go by the sink of --mqtt."""
    from device.sinks.actions import RulesSink
    from device.sinks.mqtt import MqttSink

    broker = next((sink for sink in sinks if isinstance(sink, MqttSink)), None)
    return RulesSink(rules, broker.send if broker else None, dry_run)


def _metrics(address: str, model: "ExpressionModel") -> Sink:
    from device.sinks.metrics import MetricsSink
    from device.sinks.web_server import WebAddress

    identity = {"name": model.path.name, "sha256": model.sha256}
    asked = WebAddress.parse(address, "metrics", METRICS)
    asked.refuse_unknown_host("metrics")
    return MetricsSink(asked, model.labels, identity)


def _preview(options: RunOptions) -> Sink:
    from device.sinks.preview import PreviewSink
    from device.sinks.web_server import WebAddress

    assert options.preview is not None
    sink = PreviewSink(WebAddress.parse(options.preview, "preview", PREVIEW), options.blur_faces)
    if sink.token is None:
        log.info("preview: %s", sink.url)
    else:
        log.warning("preview: %s shows the picture to everybody who has this address", sink.url)
    return sink
