"""Parts that options ask for, made before anything slow or visible happens: the model, the broker, the rules."""

import logging
import math
import shutil
from typing import TYPE_CHECKING

from device.errors import UsageError
from device.frames import FrameSource
from device.labels import labels_from
from device.runtime.options import RunOptions

if TYPE_CHECKING:
    from device.model.expression_model import ExpressionModel
    from device.sinks.broker import Broker
    from device.sinks.rules import Rule

log = logging.getLogger(__name__)


def asked_model(options: RunOptions) -> "ExpressionModel":
    """Return the model of the options, by default the one in use; EdgeError where it cannot be loaded.

    UsageError for a pixel range where the file tells another itself.
    """
    from device.model.expression_model import load_model
    from device.service.model_store import model_in_use

    model = load_model(
        options.model or model_in_use(),
        labels_from(options.labels),
        options.threads,
        delegate=options.delegate,
        pixel_range=options.pixel_range,
    )
    if options.pixel_range not in (None, model.pixel_range):
        raise UsageError(
            f"`pixel_range` is for files that do not tell which pixel values they take; {model.path} does; leave it out"
        )
    return model


def checked_rules(
    options: RunOptions, model: "ExpressionModel", source: FrameSource | None = None
) -> "tuple[Rule, ...]":
    """Return the rules of the settings file; UsageError for one that is wrong or can never fire.

    One that would need a longer run than this, or a program that is not there, is said. ``source``: None for this
    device's camera, which need not be there.
    """
    if not options.rules:
        return ()
    from device.sinks.rules import parse_rules

    broker = options.mqtt is not None or options.dry_run_rules
    rules, longest_s = parse_rules(options.rules, model.labels, broker), _longest_s(options, source)
    for rule in rules:
        if rule.command and shutil.which(rule.command[0]) is None:
            apart = "; a program and its arguments are a list of texts" if " " in rule.command[0] else ""
            log.warning("%s: there is no program %s%s", rule.called, rule.command[0], apart)
        if rule.held_s > longest_s:
            log.warning(
                "%s can never fire: it must hold for %g s, and this run lasts %g s",
                rule.called,
                rule.held_s,
                longest_s,
            )
    return rules


def _longest_s(options: RunOptions, source: FrameSource | None) -> float:
    """Return what the run lasts at most, on the clock by which faces move; infinity where that is not known."""
    if source is None or source.live:
        return options.seconds or math.inf
    if source.rate is None or options.max_frames is None:
        return math.inf
    return options.max_frames / source.rate


def asked_broker(options: RunOptions) -> "Broker":
    """Return the broker of ``--mqtt`` and the options that belong to it; EdgeError where they are wrong."""
    from device.sinks import LONGEST_TOPIC, fit_topic
    from device.sinks.broker import Broker

    assert options.mqtt is not None
    if not fit_topic(options.mqtt_topic):
        topic = options.mqtt_topic[:LONGEST_TOPIC]
        raise UsageError(
            f"`mqtt_topic` {topic!r}: expected a name such as home/camera, without + and #, printable, "
            f"{LONGEST_TOPIC} bytes at most"
        )
    files = options.mqtt_password_file, options.mqtt_ca, options.mqtt_cert, options.mqtt_key
    return Broker.parse(options.mqtt, *files)
