"""What every face detector takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from device.frames import BoundingBox
from device.resizing import resized

DUPLICATE_IOU = 0.35
NESTED_SHARE = 0.75  # of the smaller box: YuNet now and then sees a large face around a small one


@dataclass(frozen=True)
class Detection:
    """A found face: its box in frame pixels and the detector's confidence, 0 to 1."""

    box: BoundingBox
    score: float


class Detector(Protocol):
    """Finds faces in a frame, ``(H, W)`` gray or ``(H, W, 3)`` B, G, R, uint8."""

    name: str
    path: Path  # its own file
    margin_ratio: float  # side of the FER2013-like crop in widths of this detector's box
    region_ratio: float  # side of a region in widths of this detector's box: room for one frame's movement
    certain_score: float  # a detection at or above this is a face without a second look

    def detect(self, image: np.ndarray, region: BoundingBox | None = None) -> list[Detection]:
        """Return the faces of the whole frame, or those in ``region``, whose face is ``side / region_ratio`` wide."""
        ...

    def detect_still(self, image: np.ndarray) -> list[Detection]:
        """Return the faces of a picture that has no next one: searched as thoroughly as the detector can."""
        ...


def same_face(one: BoundingBox, other: BoundingBox) -> bool:
    """Return whether two boxes are of one face: alike, or one inside the other."""
    shared, areas = one.shared_area(other), (one.area, other.area)
    return shared > DUPLICATE_IOU * (sum(areas) - shared) or shared > NESTED_SHARE * min(areas)


def without_duplicates(detections: Sequence[Detection]) -> list[Detection]:
    """Return the detections, best first, without those that overlap a better one."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda found: -found.score):
        if not any(same_face(detection.box, other.box) for other in kept):
            kept.append(detection)
    return kept


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
    """Return a frame, (H, W) or (H, W, 3) uint8, ``scale`` times as high and wide, but of 1 pixel at least."""
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return resized(image, (height, width))


def placed(box_xywh: Sequence[float], scale: float, at: tuple[int, int]) -> BoundingBox:
    """Return a box found in a picture scaled by ``scale`` whose first pixel is ``at``, in frame pixels."""
    x, y = at
    left, top, width, height = map(float, box_xywh)
    return BoundingBox(
        x + left / scale, y + top / scale, x + (left + width) / scale, y + (top + height) / scale
    )
