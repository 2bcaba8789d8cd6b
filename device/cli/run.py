"""``device run``: faces and their expressions from a camera, a file or an address."""

import json
import logging
import resource
from typing import Any

import click

from device.capture.settings import FLIPS, ROTATIONS
from device.cli.detector_options import detector_options
from device.cli.options import MOST_THREADS, Number, Whole, delegate_option, output_options
from device.cli.settings_file import SettingsCommand, apply_settings
from device.cli.settings_lines import SETTINGS
from device.errors import EXIT_DONE, EXIT_FAILED, UsageError
from device.model.pixel_ranges import PIXEL_RANGES
from device.runtime.options import CAMERA_PRIOR, STANDARD_OUTPUT, RunOptions
from device.sinks import METRICS, PREVIEW

log = logging.getLogger(__name__)


@click.command(cls=SettingsCommand)
@click.option(
    "--config",
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=apply_settings,
    help="Settings from a TOML file, each by its option's name; options given here win.",
)
@click.option(
    "--source",
    envvar="FER_EDGE_SOURCE",
    show_envvar=True,
    help="picamera, usb:N, FILE, DIR, 'GLOB', http://…, rtsp://…, demo.  [default: the camera]",
)
@click.option(
    "--model", metavar="FILE", help="A .tflite classifier.  [default: the installed one, else the packaged]"
)
@delegate_option
@click.option("--labels", help="Names of the model's outputs, comma-separated, or a file with one a line.")
@click.option(
    "--pixel-range",
    type=click.Choice(list(PIXEL_RANGES)),
    help="The pixel values that a float model made elsewhere takes, if its file does not say; caffe and torch are "
    "those of preprocess_input of keras.applications, for three channels.",
)
@detector_options
@click.option(
    "--min-face",
    default=RunOptions.min_face,
    show_default=True,
    metavar="PX",
    help="Smallest face to look for in films and cameras, in pixels; in single pictures all sizes are searched for.",
)
@click.option(
    "--prior",
    metavar="CLASS=WEIGHT,...",
    help="How much more often each class occurs here than in the model's training data; none turns this off.  "
    f"[default: {','.join(f'{name}={weight:g}' for name, weight in CAMERA_PRIOR.items())}]",
)
@click.option(
    "--smoothing",
    default=RunOptions.smoothing,
    show_default=True,
    metavar="SECONDS",
    type=Number(0),
    help="Time over which each face's scores are averaged; larger is calmer and later, 0 is off.",
)
@click.option(
    "--every-frame", is_flag=True, help="Search every whole frame at full size: slow, for measuring."
)
@click.option(
    "--threads",
    default=RunOptions.threads,
    show_default=True,
    type=Whole(1, MOST_THREADS),
    help="Threads of OpenCV and LiteRT.",
)
@click.option(
    "--rotate",
    type=click.Choice([str(angle) for angle in ROTATIONS[1:]]),
    help="Turn the pictures clockwise by so many degrees: a camera that hangs on its side.",
)
@click.option("--flip", type=click.Choice(FLIPS), help="Mirror the pictures, after turning them.")
@click.option(
    "--size", metavar="WxH", help="Picture size of a camera.  [default: 640 wide, the whole field of view]"
)
@click.option(
    "--fps",
    type=Number(1, 240),
    help="Frames a second of a camera.  [default: 30, fewer in the dark]",
)
@click.option(
    "--control",
    multiple=True,
    metavar="NAME=VALUE",
    help="A camera's own control, such as ExposureTime=20000 or AfMode=0 (libcamera's), gain=40 (V4L2's, USB). "
    "Repeat for several.",
)
@click.option(
    "--dry-run-rules", is_flag=True, help="Only tell what the rules of --config would do, and when."
)
@click.option("--max-frames", type=Whole(1), help="Stop after this many frames.")
@click.option("--seconds", type=Number(0, min_open=True), help="Stop after this time.")
@click.option(
    "--output",
    metavar="FILE",
    help="Write a row a frame: FILE.jsonl (JSON Lines) or FILE.csv; - for JSON Lines on standard output.",
)
@click.option("--append", is_flag=True, help="Add to the rows that --output FILE holds already.")
@click.option("--video", metavar="FILE", help="Write the annotated picture as FILE.avi, .mkv or .mp4.")
@click.option("--save-frames", metavar="DIR", help="Store the pictures that show a face.")
@click.option(
    "--annotate", metavar="DIR", help="Write each picture of a folder or glob with boxes and labels."
)
@click.option(
    "--timeline", metavar="FILE.png", help="Draw which expressions were seen when, at the end of the run."
)
@click.option("--blur-faces", is_flag=True, help="Make faces unrecognisable in all that is shown or stored.")
@click.option(
    "--mqtt",
    metavar="HOST[:PORT]",
    envvar="FER_EDGE_MQTT",
    show_envvar=True,
    help="Publish to a broker, or mqtt://USER@HOST:PORT, mqtts:// by TLS.",
)
@click.option("--mqtt-picture", is_flag=True, help="Also publish the marked picture, with every message.")
@click.option("--mqtt-password-file", metavar="FILE", help="The broker's password is this file's first line.")
@click.option(
    "--mqtt-ca", metavar="FILE", help="Trust this authority (PEM) for mqtts://.  [default: the system's]"
)
@click.option("--mqtt-cert", metavar="FILE", help="Show this certificate (PEM) to the broker.")
@click.option("--mqtt-key", metavar="FILE", help="The certificate's key, if it is in a file of its own.")
@click.option(
    "--mqtt-topic",
    default=RunOptions.mqtt_topic,
    show_default=True,
    metavar="TOPIC",
    help="Where to publish.",
)
@click.option(
    "--metrics",
    is_flag=False,
    flag_value=METRICS,
    metavar="[HOST:PORT]",
    help="Serve figures for a dashboard in Prometheus' format: frames, latency, expressions, temperature.",
)
@click.option(
    "--sink",
    multiple=True,
    metavar="NAME[:ARGUMENT]",
    help="Where results go too: a sink that an installed package brings. Repeat for several.",
)
@click.option(
    "--preview",
    is_flag=False,
    flag_value=PREVIEW,
    metavar="[HOST:PORT]",
    help="Serve a page with the live picture; other hosts than 127.0.0.1 need the token that is printed.",
)
@click.argument("pictures", nargs=-1, metavar="[PICTURE]...")
@output_options(overwrite="Replace existing output files.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for every frame.")
def run(as_json: bool, quiet: bool, verbose: bool, **_options: Any) -> None:
    """Recognise the expressions of the faces that a source shows.

    Nothing leaves this device unless an option sends it: --mqtt, --preview, --metrics, --sink.

    Picture files may follow, as a shell makes them of an unquoted glob: device run --source photos/*.jpg
    """
    from device.runtime.build import run_with
    from device.runtime.stopping import Stop, leave, stopped_by_signals

    asked = asked_options(click.get_current_context())
    streamed = asked.output == STANDARD_OUTPUT
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold faces and passwords
    stop = Stop()
    with stopped_by_signals(stop):
        terminal = "off" if quiet or as_json else "rows" if verbose else "line"
        statistics = run_with(asked, stop, terminal)
        if as_json:
            click.echo(json.dumps(statistics.to_json(), indent=1))
        elif not quiet:
            click.echo("\n".join(statistics.lines()), err=streamed)
    if statistics.lost:
        log.error("; ".join(statistics.lost))
    leave(EXIT_FAILED if statistics.lost else EXIT_DONE)


def asked_options(context: click.Context) -> RunOptions:
    """Return what the command line and the settings file of ``context`` ask a run for; UsageError for both of two."""
    options = dict(context.params)
    as_json = options.pop("as_json")
    for name in ("quiet", "verbose"):
        del options[name]
    if pictures := options.pop("pictures"):
        named = (*filter(None, [options["source"]]), *pictures)
        options["source"] = named if len(named) > 1 else named[0]
    if options["rotate"]:
        options["rotate"] = int(options["rotate"])
    if settings := context.meta.get(SETTINGS):
        options["rules"] = settings.rules
    if options["output"] == STANDARD_OUTPUT and as_json:
        raise UsageError("--output - and --json both print on standard output; choose one")
    return RunOptions(**{name: value for name, value in options.items() if value is not None})
