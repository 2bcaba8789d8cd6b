"""The sinks that options ask for, opened, and those of a device that runs alone."""

import logging
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from device.frames import FrameSource
from device.plugins import SINKS, load_plugin
from device.runtime.asked import asked_broker
from device.runtime.options import STANDARD_OUTPUT, RunOptions
from device.runtime.running_sinks import Inline
from device.runtime.stopping import Stop
from device.sinks import METRICS, PREVIEW, Sink

if TYPE_CHECKING:
    from device.model.expression_model import ExpressionModel
    from device.sinks.rules import Rule

log = logging.getLogger(__name__)


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
        for sink in _opened(options, source, model, stop):
            sinks.append(sink)
        if terminal != "off":
            sinks.append(_terminal(every_frame=terminal == "rows"))
        if rules:
            sinks.append(_rules(rules, sinks, options.dry_run_rules))
    except BaseException:
        for sink in sinks:
            sink.close()
        raise
    return sinks


def unattended_sinks(options: RunOptions, model: "ExpressionModel") -> list[Inline]:
    """Return what a device that runs alone needs: systemd's watchdog fed, a new model's trial ended."""
    from device.service.model_store import TrialSink
    from device.service.watchdog import WatchdogSink, notify_socket, watchdog_period_s

    sinks: list[Inline] = [] if options.model else [TrialSink(model.path.name)]
    if address := notify_socket():
        sinks.append(WatchdogSink(address, model.predict, watchdog_period_s()))
    return sinks


def _opened(options: RunOptions, source: FrameSource, model: "ExpressionModel", stop: Stop) -> Iterator[Sink]:
    """Open the sink of each option; each is imported only where it is asked for."""
    labels, kept = model.labels, (options.overwrite, options.blur_faces)
    if options.output:
        yield _row_sink(options, labels, not source.continuous, stop)
    if options.video:
        from device.sinks.video import VideoSink

        yield VideoSink(options.video, source, *kept)
    if options.save_frames:
        from device.sinks.frames import FrameFilesSink

        log.warning("`save_frames` stores pictures of people in %s", options.save_frames)
        yield FrameFilesSink(options.save_frames, *kept)
    if options.annotate:
        from device.sinks.frames import AnnotatedFilesSink

        yield AnnotatedFilesSink(options.annotate, *kept)
    if options.timeline:
        from device.sinks.timeline import TimelineSink

        yield TimelineSink(options.timeline, labels, options.overwrite)
    if options.mqtt:
        yield _mqtt(options, labels)
    if options.preview:
        yield _preview(options)
    if options.metrics:
        yield _metrics(options.metrics, model)
    for spec in options.sink:
        name, _, argument = spec.partition(":")
        yield load_plugin(SINKS, name)(argument, labels)


def _mqtt(options: RunOptions, labels: Sequence[str]) -> Sink:
    from device.sinks.mqtt import MqttSink, Pictures

    broker, pictures = asked_broker(options), Pictures.NONE
    if options.mqtt_picture:
        log.warning("`mqtt_picture` sends pictures of people to %s", broker.name)
        pictures = Pictures.BLURRED if options.blur_faces else Pictures.PLAIN
    return MqttSink(broker, labels, options.mqtt_topic, pictures=pictures)


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


def _terminal(every_frame: bool) -> Sink:
    from device.sinks.terminal import TerminalSink

    return TerminalSink(sys.stderr, every_frame)


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
