"""Where to look in a frame: everywhere now and then, and in between only where the faces were."""

import cv2
import numpy as np

from device.errors import UsageError
from device.faces.cropping import cut_square, resize_square
from device.faces.detectors.base import Detection, Detector, without_duplicates
from device.faces.template_match import glimpse
from device.faces.tracking import COAST_S, FaceTracker, Track, TrackedFace
from device.frames import BoundingBox, Frame

SWEEP_S = 0.5  # a new face is noticed within this time
SWEEP_FRAMES = 5  # a slow board spends at most every fifth frame on it
IDLE_SWEEP_S = 0.1  # the same while nobody is there
MAX_FOLLOWED = 8  # regions cost more than the whole reduced picture beyond this many
LOOK_PX = 16


class FaceFinder:
    """Finds the faces of each frame with ids, as cheaply as the faces allow.

    A *sweep* searches the whole frame; *following* searches a region around each known face at the scale at
    which it was. With ``every_frame`` each frame is swept and nothing is followed. ``min_face_px`` is what the
    detector was asked for: UsageError if no such face fits into a frame that is no still.
    """

    def __init__(self, detector: Detector, every_frame: bool = False, min_face_px: int = 0):
        self.detector = detector
        self.every_frame = every_frame
        self.min_face_px = min_face_px
        self.sweeps = 0
        self.tracker = FaceTracker(detector.certain_score)
        self.reset()

    def reset(self) -> None:
        """Forget all faces, as when the picture's size changes."""
        self.tracker.forget()
        self._size_wh: tuple[int, int] | None = None
        self._swept_s = -np.inf
        self._frames_since_sweep = 0

    def find(self, frame: Frame, continuous: bool = True) -> list[TrackedFace]:
        """Return the faces of ``frame``; ``continuous`` False: a still that has no past."""
        if not continuous:
            faces = self.detector.detect_still(frame.image)
            return [TrackedFace(number, one.box, one.score, True) for number, one in enumerate(faces, 1)]
        if frame.size_wh != self._size_wh:
            self._refuse_small(frame)
            self.reset()
            self._size_wh = frame.size_wh
        now_s = frame.time_s
        tracks = self.tracker.predict(now_s)
        followed = [track for track in tracks if track.glimpsed or now_s - track.seen_s <= COAST_S]
        sweep = self.every_frame or len(followed) > MAX_FOLLOWED or self._sweep_is_due(now_s, bool(followed))
        found: list[Detection] = []
        if not self.every_frame:
            lost = 0
            for track in followed:
                near = self._follow(frame.image, track.box)
                found += near
                lost += track.certain and track.seen and not near  # just now; later the usual sweeps do
            sweep = sweep or (lost > 0 and self._frames_since_sweep >= SWEEP_FRAMES)
        if sweep:
            found += self.detector.detect(frame.image)
            self.sweeps += 1
            self._swept_s, self._frames_since_sweep = now_s, 0
        self._frames_since_sweep += 1
        return self._settle(frame.image, without_duplicates(found), sweep)

    def _refuse_small(self, frame: Frame) -> None:
        width, height = frame.size_wh
        if self.min_face_px > min(width, height):
            raise UsageError(
                f"--min-face is {self.min_face_px} pixels, the picture only {width}x{height}: no face could be found; "
                "pass a smaller one"
            )

    def _settle(self, image: np.ndarray, found: list[Detection], sweep: bool) -> list[TrackedFace]:
        """Hand the detections to the tracker, with eyes to tell faces apart and to keep them in sight."""

        def find_again(track: Track) -> BoundingBox | None:
            return glimpse(*track.sight, image, track.box) if track.sight is not None else None

        faces = self.tracker.update(
            found, sweep, lambda box: face_look(image, box), None if self.every_frame else find_again
        )
        for track in self.tracker.tracks:
            if track.seen:
                track.sight = image, track.box
        return faces

    def _sweep_is_due(self, now_s: float, someone: bool) -> bool:
        if not someone:
            return now_s - self._swept_s >= IDLE_SWEEP_S - 1e-3
        return now_s - self._swept_s >= SWEEP_S - 1e-3 and self._frames_since_sweep >= SWEEP_FRAMES

    def _follow(self, image: np.ndarray, box: BoundingBox) -> list[Detection]:
        height, width = image.shape[:2]
        x, y = box.center_xy
        if not (0 <= x < width and 0 <= y < height):
            return []
        half = box.width * self.detector.region_ratio / 2
        return self.detector.detect(image, BoundingBox(x - half, y - half, x + half, y + half))


def face_look(image: np.ndarray, box: BoundingBox) -> np.ndarray:
    """Return the pixels in ``box`` as a unit vector without their mean: ``(256,) float32``."""
    patch, _, _ = cut_square(image, box, box.width)
    if patch.ndim == 3:
        patch = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    pixels = resize_square(patch, LOOK_PX).astype(np.float32).ravel()
    pixels -= pixels.mean()
    return pixels / max(float(np.linalg.norm(pixels)), 1e-6)
