"""What a run is asked for. The command line reads its defaults here, so importing this imports nothing heavy."""

from dataclasses import dataclass
from typing import Any

from device.capture.settings import CameraSettings, parse_control, parse_size
from device.faces.detectors import DEFAULT_MIN_FACE_PX
from device.sinks import MQTT_TOPIC

STANDARD_OUTPUT = "-"
# FER2013 has one neutral face in six; before a camera most are. One of four values tried on 1,281 faces of press
# photographs; what the packaged model names right of them with it and without stands in docs/TRAINING.md.
CAMERA_PRIOR = {"neutral": 1.65}


# The options that name what a run reads and writes, those of the latter that must not be there yet, and those by which
# somebody sees the pictures. A new output belongs into these lists.
INPUTS = ("source", "model", "detector_model", "labels")
OUTPUTS = ("output", "video", "save_frames", "annotate", "timeline")
BEGUN = ("output", "video", "save_frames")
SHOWN = ("preview", "video", "save_frames", "annotate", "mqtt_picture")


@dataclass(frozen=True)
class RunOptions:
    """The options of ``device run`` by their names; each default stands here alone."""

    source: str | tuple[str, ...] | None = None
    model: str | None = None
    labels: str | None = None
    pixel_range: str | None = None
    delegate: str | None = None
    detector: str | None = None
    detector_model: str | None = None
    min_face: int = DEFAULT_MIN_FACE_PX
    prior: str | None = None
    smoothing: float = 0.4
    every_frame: bool = False
    threads: int = 1
    rotate: int = 0
    flip: str | None = None
    size: str | None = None
    fps: float | None = None
    control: tuple[str, ...] = ()
    max_frames: int | None = None
    seconds: float | None = None
    output: str | None = None
    append: bool = False
    video: str | None = None
    save_frames: str | None = None
    annotate: str | None = None
    timeline: str | None = None
    blur_faces: bool = False
    mqtt: str | None = None
    mqtt_topic: str = MQTT_TOPIC
    mqtt_picture: bool = False
    mqtt_password_file: str | None = None
    mqtt_ca: str | None = None
    mqtt_cert: str | None = None
    mqtt_key: str | None = None
    preview: str | None = None
    metrics: str | None = None
    sink: tuple[str, ...] = ()
    rules: tuple[dict[str, Any], ...] = ()
    dry_run_rules: bool = False
    overwrite: bool = False

    def camera_settings(self, colour: bool = False) -> CameraSettings:
        """Return what the camera is asked for; UsageError for an invalid size or control.

        Somebody sees the pictures of a preview, a broker, a film and stored frames: then they have colours, as for a
        network that sees ``colour``.
        """
        return CameraSettings(
            size_wh=parse_size(self.size) if self.size else None,
            rate=self.fps,
            rotate=self.rotate,
            flip=self.flip,
            controls=tuple(map(parse_control, self.control)),
            colour=colour or any(getattr(self, name) for name in SHOWN),
        )
