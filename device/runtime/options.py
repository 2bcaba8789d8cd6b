"""What a run is asked for. The command line reads its defaults here, so importing this imports nothing heavy."""

from dataclasses import dataclass

from device.faces.detectors import DEFAULT_MIN_FACE_PX
from device.sinks import MQTT_TOPIC


@dataclass(frozen=True)
class RunOptions:
    """The options of ``device run`` by their names; each default stands here alone."""

    source: str | None = None
    model: str | None = None
    labels: str | None = None
    detector: str | None = None
    detector_model: str | None = None
    min_face: int = DEFAULT_MIN_FACE_PX
    smoothing: float = 0.4
    every_frame: bool = False
    threads: int = 1
    max_frames: int | None = None
    seconds: float | None = None
    output: str | None = None
    append: bool = False
    video: str | None = None
    save_frames: str | None = None
    blur_faces: bool = False
    mqtt: str | None = None
    mqtt_topic: str = MQTT_TOPIC
    preview: str | None = None
    overwrite: bool = False
