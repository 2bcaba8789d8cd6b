"""What a run refuses for its options alone, before anything slow or visible happens."""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path

from device.errors import EdgeError, UsageError, refuse_without
from device.files import refuse_place, refuse_unwritable, same_file
from device.frames import FrameSource
from device.plugins import SINKS, plugin_names
from device.runtime.asked import asked_broker, asked_model, checked_rules
from device.runtime.options import INPUTS, OUTPUTS, STANDARD_OUTPUT, RunOptions
from device.sinks import METRICS, PREVIEW

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
    _refuse_shared_places(options, source.paths if source else ())
    if options.output and options.output != STANDARD_OUTPUT:
        _refuse_rows(options.output, options.overwrite or options.append)
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
    _refuse_unknown_sinks(options)


def _refuse_shared_places(options: RunOptions, pictures: Sequence[Path]) -> None:
    """Raise UsageError for an output at the place of another one, or of an input, such as a folder of ``pictures``."""
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


def _refuse_rows(path: str, may_exist: bool) -> None:
    refuse_unwritable(path, may_exist)
    if Path(path).suffix not in ROW_SUFFIXES and not Path(path).exists():
        raise UsageError(
            f"`output` {path}: expected a name ending in {', '.join(ROW_SUFFIXES)}, or - for standard output"
        )


def _refuse_unknown_sinks(options: RunOptions) -> None:
    for name in (spec.partition(":")[0] for spec in options.sink):
        if name not in plugin_names(SINKS):
            there = f"there are: {', '.join(plugin_names(SINKS)) or 'none'}"
            meant = f"`{name}` is an option of its own" if hasattr(options, name) else there
            raise UsageError(f"`sink` {name}: no installed package brings it; {meant}")
