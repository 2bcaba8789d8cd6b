"""Where to look in a frame: everywhere now and then, and in between only where the faces were."""

import numpy as np

from device.errors import UsageError
from device.faces.cropping import gray_square
from device.faces.detectors.base import Detection, Detector, without_duplicates
from device.faces.scene_change import Change, SceneChange
from device.faces.template_match import match_template
from device.faces.tracking import FaceTracker, Track, TrackedFace
from device.frames import BoundingBox, Frame

# A new face is noticed within this time and this many frames, whichever is longer: a slow board spends at most every
# fifth frame on it, or every third where the whole picture has moved since the last time.
QUIET_S, QUIET_FRAMES = 0.5, 5
MOVED_S, MOVED_FRAMES = 0.1, 3
NOBODY_S = 0.1  # the same while nobody is there
MAX_ROI_FACES = 8  # regions of interest cost more than the whole reduced picture beyond this many
MIN_INSIDE = 0.85  # of a remembered face's box: what leaves the picture is not remembered
APPEARANCE_PX = 16


class FaceFinder:
    """Finds the faces of each frame with ids, as cheaply as the faces allow.

    A full-frame detection searches the whole picture. In between, each known face is searched for in its region of
    interest (ROI), a square around its expected place, at the scale that it had; with more than eight faces every
    frame is searched as a whole instead. ``every_frame`` does that always. After a cut all faces are forgotten.
    ``min_face_px`` is what the detector was asked for: UsageError if no such face fits into a frame that is no still.
    ``untold``: boxes in the last frame that may be faces and were not returned, being too many or not certain yet;
    blurring covers these as well.

    >>> finder = FaceFinder(create_detector())
    >>> for frame in source:
    ...     boxes = [face.box for face in finder.find(frame)]
    """

    def __init__(self, detector: Detector, every_frame: bool = False, min_face_px: int = 0):
        self.detector = detector
        self.every_frame = every_frame
        self.min_face_px = min_face_px
        self.full_frame_detections = 0
        self.untold: list[BoundingBox] = []
        self.tracker = FaceTracker(detector.certain_score)
        self.reset()

    def reset(self) -> None:
        """Forget all faces, as when the picture's size changes."""
        self.tracker.forget()
        self._scene = SceneChange()
        self._size_wh: tuple[int, int] | None = None
        self._full_frame_s = -np.inf
        self._frames_since_full = 0

    def find(self, frame: Frame, continuous: bool = True) -> list[TrackedFace]:
        """Return the faces of ``frame``, largest first; ``continuous`` False: a still that has no past."""
        if not continuous:
            faces = self.detector.detect_still(frame.image)
            self.untold = []
            return [TrackedFace(number, one.box, one.score, True) for number, one in enumerate(faces, 1)]
        if frame.size_wh != self._size_wh:
            self._refuse_small(frame)
            self.reset()
            self._size_wh = frame.size_wh
        change = self._scene.compare(frame.image)
        if change is Change.CUT:
            self.tracker.forget()
        found, everywhere = self._detect(frame, change)
        told = self._track(frame, without_duplicates(found), everywhere, change)
        followed = [track.box for track in self.tracker.tracks if track.is_followed(frame.time_s)]
        boxes = {*(one.box for one in found), *followed}
        self.untold = list(boxes - {face.box for face in told})
        return told

    def _detect(self, frame: Frame, change: Change) -> tuple[list[Detection], bool]:
        """Return the detections of the frame, and whether all of it was searched."""
        now_s = frame.time_s
        followed = [track for track in self.tracker.predict(now_s) if track.is_followed(now_s)]
        everywhere = self.every_frame or len(followed) > MAX_ROI_FACES or change is not Change.STEADY
        found: list[Detection] = []
        if not everywhere:
            lost = False
            for track in followed:
                near = self._roi_detect(frame.image, track.box)
                found += near
                lost |= track.certain and track.detected and not near  # just now; later the usual times do
            everywhere = self._full_frame_is_due(now_s, bool(followed), lost)
        if everywhere:
            found += self.detector.detect(frame.image)
            self.full_frame_detections += 1
            self._full_frame_s, self._frames_since_full = now_s, 0
            self._scene.mark()
        self._frames_since_full += 1
        return found, everywhere

    def _full_frame_is_due(self, now_s: float, someone: bool, lost: bool) -> bool:
        elapsed_s = now_s - self._full_frame_s + 1e-3  # clocks of frames are rounded
        if not someone:
            return elapsed_s >= NOBODY_S
        if lost and self._frames_since_full >= QUIET_FRAMES:
            return True
        least_s, frames = (MOVED_S, MOVED_FRAMES) if self._scene.has_moved() else (QUIET_S, QUIET_FRAMES)
        return elapsed_s >= least_s and self._frames_since_full >= frames

    def _roi_detect(self, image: np.ndarray, box: BoundingBox) -> list[Detection]:
        """Search around what the picture shows of ``box``: of a face that its edge cuts the middle may lie outside."""
        height, width = image.shape[:2]
        left, right = max(box.left, 0.0), min(box.right, width)
        top, bottom = max(box.top, 0.0), min(box.bottom, height)
        if left >= right or top >= bottom:
            return []
        x, y = (left + right) / 2, (top + bottom) / 2
        half = (right - left) * self.detector.region_ratio / 2
        return self.detector.detect(image, BoundingBox(x - half, y - half, x + half, y + half))

    def _track(self, frame: Frame, found: list[Detection], create: bool, change: Change) -> list[TrackedFace]:
        """Hand the detections to the tracker, with ways to tell faces apart and to find the missed ones."""
        image = frame.image

        def match(track: Track) -> BoundingBox | None:
            return match_template(*track.picture, image, track.box) if track.picture is not None else None

        remember = not self.every_frame and change is Change.STEADY
        faces = self.tracker.update(
            found, create, lambda box: face_appearance(image, box), match if remember else None
        )
        for track in self.tracker.tracks:
            if track.detected:
                track.picture = image, track.box
        if change is not Change.STEADY:
            return [face for face in faces if face.detected]
        picture = BoundingBox(0, 0, *frame.size_wh)
        return [
            face
            for face in faces
            if face.detected or face.box.shared_area(picture) / face.box.area >= MIN_INSIDE
        ]

    def _refuse_small(self, frame: Frame) -> None:
        width, height = frame.size_wh
        if self.min_face_px > min(width, height):
            raise UsageError(
                f"`min_face` is {self.min_face_px} pixels, the picture only {width}x{height}: no face could be found; "
                "pass a smaller one"
            )


def face_appearance(image: np.ndarray, box: BoundingBox) -> np.ndarray:
    """Return the pixels in ``box`` as a unit vector without their mean: ``(256,) float32``."""
    pixels = gray_square(image, box, box.width, APPEARANCE_PX).astype(np.float32).ravel()
    pixels -= pixels.mean()
    return pixels / max(float(np.linalg.norm(pixels)), 1e-6)
