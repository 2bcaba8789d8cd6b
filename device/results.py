"""The result of one frame, and the row of output it becomes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from device.frames import BoundingBox, Frame

ROW_SCHEMA = 1


@dataclass(frozen=True)
class Face:
    """One face of a frame. ``scores`` has a probability a label; ``smoothed`` the same averaged over time.

    ``detected`` False: the detector missed the face in this frame, it is reported where it was or should be. Nothing
    should be switched by such a face.
    """

    id: int
    box: BoundingBox
    label: str
    probability: float
    scores: dict[str, float]
    smoothed_label: str
    smoothed: dict[str, float]
    detection_score: float = 1.0
    detected: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "box_xyxy": list(self.box.xyxy()),
            "label": self.label,
            "probability": round(self.probability, 4),
            "scores": {name: round(score, 4) for name, score in self.scores.items()},
            "smoothed_label": self.smoothed_label,
            "detection_score": round(self.detection_score, 3),
            "seen": self.detected,
        }


@dataclass(frozen=True)
class FrameResult:
    """The faces of one frame; ``age_ms`` is the time from capture to this result.

    ``clock_set``: whether a time service had set the clock that ``captured_at`` is from; None: not told. ``untold``:
    boxes that may be faces too, to be made unrecognisable where those of ``faces`` are.
    """

    frame: Frame
    captured_at: datetime
    age_ms: float
    faces: tuple[Face, ...] = ()
    latency_ms: dict[str, float] = field(default_factory=dict)
    clock_set: bool | None = None
    untold: tuple[BoundingBox, ...] = ()

    @property
    def index(self) -> int:
        return self.frame.index

    @property
    def summary(self) -> str:
        """``no face``, or the smoothed label of each face."""
        return ", ".join(f"#{face.id} {face.smoothed_label}" for face in self.faces) or "no face"

    def to_json(self) -> dict[str, Any]:
        """Return the row of the JSON Lines output; ``result`` is ``no face`` or ``faces``."""
        width, height = self.frame.size_wh
        return {
            "schema": ROW_SCHEMA,
            "index": self.index,
            "file": self.frame.name or None,
            "captured_at": self.captured_at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "clock_set": self.clock_set,
            "media_s": None if self.frame.media_s is None else round(self.frame.media_s, 4),
            "age_ms": round(self.age_ms, 3),
            "size_wh": [width, height],
            "result": "faces" if self.faces else "no face",
            "faces": [face.to_json() for face in self.faces],
            "latency_ms": {stage: round(ms, 4) for stage, ms in self.latency_ms.items()},
        }
