"""What a run refuses for its options alone, before anything slow or visible happens."""

import logging
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import EdgeError, UsageError, refuse_without
from device.files import refuse_place, refuse_unwritable, same_file
from device.frames import FrameSource
from device.labels import labels_from
from device.plugins import SINKS, plugin_names
from device.runtime.options import INPUTS, OUTPUTS, STANDARD_OUTPUT, RunOptions
from device.sinks import METRICS, PREVIEW

if TYPE_CHECKING:
    from device.model.expression_model import ExpressionModel
    from device.sinks.broker import Broker
    from device.sinks.rules import Rule

log = logging.getLogger(__name__)

ROW_SUFFIXES = (".jsonl", ".csv")
# Options that do nothing without another one, and what they belong to.
BELONGS_TO = {
    "append": ("output", "FILE"),
    **dict.fromkeys(
        ("mqtt_topic", "mqtt_picture", "mqtt_password_file", "mqtt_ca", "mqtt_cert", "mqtt_key"),
        ("mqtt", "HOST"),
    ),
}
OF_MOVEMENT = ("min_face", "smoothing")  # what single pictures do not heed


def check_options(options: RunOptions) -> None:
    """Refuse what a run would refuse at its start, without opening its source or an output.

    Raises EdgeError, UsageError for what contradicts itself.

    >>> check_options(RunOptions("demo", timeline="run.png"))
    """
    from device.capture.sources import open_source
    from device.faces.detectors import create_detector
    from device.runtime.prior import with_prior
    from device.sinks.web_server import WebAddress

    refuse_contradictions(options)
    settings = options.camera_settings()
    source = open_source(options.source, settings) if options.source else None
    refuse_outputs(options, source)
    if options.mqtt:
        asked_broker(options)
    if options.metrics:
        WebAddress.parse(options.metrics, "metrics", METRICS)
    if options.preview:
        WebAddress.parse(options.preview, "preview", PREVIEW)
    model = asked_model(options)
    with_prior(model, options.prior)
    create_detector(options.detector, options.min_face, options.detector_model)
    checked_rules(options, model, source)


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
    from device.sinks import fit_topic
    from device.sinks.broker import Broker

    assert options.mqtt is not None
    if not fit_topic(options.mqtt_topic):
        raise UsageError(
            f"`mqtt_topic` {options.mqtt_topic!r}: expected a name such as home/camera, without + and #"
        )
    files = options.mqtt_password_file, options.mqtt_ca, options.mqtt_cert, options.mqtt_key
    return Broker.parse(options.mqtt, *files)


def refuse_contradictions(options: RunOptions) -> None:
    """Raise UsageError for an option whose main one is not given, and for two of which one undoes the other.

    >>> refuse_contradictions(RunOptions("demo", output="rows.csv", append=True))
    """
    for name, (main, value) in BELONGS_TO.items():
        if getattr(options, main) in (None, STANDARD_OUTPUT):
            refuse_without(main, value, **{name: _is_given(options, name)})
    if (
        options.append
        and options.overwrite
        and not any(getattr(options, name) for name in OUTPUTS if name != "output")
    ):
        raise UsageError("`append` keeps the rows that `overwrite` replaces; leave out one of them")
    if math.isinf(options.smoothing):
        raise UsageError(
            "`smoothing` inf keeps each face's first scores for ever; expected seconds, 0 is off"
        )
    if options.preview and options.metrics:
        from device.sinks.web_server import WebAddress

        preview = WebAddress.parse(options.preview, "preview", PREVIEW)
        metrics = WebAddress.parse(options.metrics, "metrics", METRICS)
        one_host = preview.host == metrics.host or {"0.0.0.0", "::"} & {preview.host, metrics.host}
        if preview.port and preview.port == metrics.port and one_host:
            raise UsageError(f"`preview` and `metrics` both serve at port {preview.port}; give each its own")
    if options.dry_run_rules and not options.rules:
        raise UsageError(
            "`dry_run_rules` belongs to the rules of `config`; add a [[rule]] there or leave it out"
        )


def _is_given(options: RunOptions, name: str) -> bool:
    return bool(getattr(options, name) != getattr(RunOptions, name))


def remark_on_pictures(options: RunOptions, source: FrameSource) -> None:
    """Log the options that single pictures do not heed, where ``source`` shows such."""
    for name in OF_MOVEMENT:
        if _is_given(options, name) and not source.continuous:
            log.info("`%s` is for films and cameras; %s holds single pictures", name, source.name)


def refuse_outputs(options: RunOptions, source: FrameSource | None = None) -> None:
    """Refuse an output that is an input, exists, is of no known kind or does not fit the source.

    Before anything slow or visible happens. ``source``: None for this device's camera, which need not be there.
    """
    pictures = source.paths if source else ()
    named = [value for name in INPUTS if isinstance(value := getattr(options, name), str)]
    inputs: list[str | Path] = [*named, *pictures, *{picture.parent for picture in pictures}]
    places: dict[Path, str] = {}
    for name in OUTPUTS:
        written = getattr(options, name)
        if written and any(same_file(one, written) for one in inputs):
            raise UsageError(
                f"`{name}` {written} is what this run reads, and would destroy it; name another place"
            )
        if written and (other := places.setdefault(Path(os.path.realpath(written)), name)) != name:
            raise UsageError(f"`{other}` and `{name}` are both {written}; name two places")
    rows = None if options.output == STANDARD_OUTPUT else options.output
    if rows:
        refuse_unwritable(rows, options.overwrite or options.append)
        if Path(rows).suffix not in ROW_SUFFIXES and not Path(rows).exists():
            raise UsageError(
                f"`output` {rows}: expected a name ending in {', '.join(ROW_SUFFIXES)}, or - for standard output"
            )
    if options.video:
        from device.sinks.video import refuse_film

        refuse_film(options.video, options.overwrite)
    if options.timeline and Path(options.timeline).suffix.lower() != ".png":
        raise UsageError(f"`timeline` {options.timeline}: expected a name ending in .png")
    for folder in filter(None, (options.save_frames, options.annotate)):
        if Path(folder).is_dir():
            refuse_place(folder)
        elif Path(folder).exists():
            raise EdgeError(f"cannot write into {folder}: it is no folder; choose another place")
    if options.annotate and (source is None or source.continuous):
        shown = source.name if source else "the source"
        raise UsageError(f"`annotate` marks pictures; {shown} is a film or a camera: `video=FILE` marks that")
    for name in (spec.partition(":")[0] for spec in options.sink):
        if name not in plugin_names(SINKS):
            there = f"there are: {', '.join(plugin_names(SINKS)) or 'none'}"
            meant = f"`{name}` is an option of its own" if hasattr(options, name) else there
            raise UsageError(f"`sink` {name}: no installed package brings it; {meant}")
