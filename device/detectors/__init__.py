"""Face detectors behind one interface, one file each."""

from pathlib import Path

from device.detectors.base import Detection, Detector
from device.errors import UsageError

__all__ = ["DETECTORS", "Detection", "Detector", "create_detector"]

DETECTORS = ("haar", "yunet")
DEFAULT_MIN_FACE_PX = 48


def create_detector(
    name: str = "haar",
    min_face_px: int = DEFAULT_MIN_FACE_PX,
    model_file: str | Path | None = None,
    reduce: bool = True,
) -> Detector:
    """Return the detector ``name`` for faces of ``min_face_px`` pixels and more.

    ``model_file`` None means OpenCV's own cascade, or the YuNet file that ``device fetch yunet`` stored. With
    ``reduce`` whole frames are shrunk until a face of ``min_face_px`` is as small as the detector can find;
    without, they are searched at full size.
    """
    if min_face_px < 16:
        raise UsageError(
            f"--min-face is {min_face_px} pixels; faces under 16 pixels cannot be told from noise"
        )
    if name == "haar":
        from device.detectors.haar import HaarDetector

        return HaarDetector(min_face_px, model_file, reduce)
    if name == "yunet":
        from device.detectors.yunet import YuNetDetector
        from device.fetching import stored_yunet

        return YuNetDetector(min_face_px, model_file or stored_yunet(), reduce)
    raise UsageError(f"unknown detector {name!r}; expected one of {', '.join(DETECTORS)}")
