"""Following faces from frame to frame: motion, ids, and suppression of detections that do not last."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from device.faces.detectors.base import Detection, same_face
from device.frames import BoundingBox

log = logging.getLogger(__name__)

# Chosen on the films of benchmarks/clips.py (docs/figures/device_loop.md) against full-frame YuNet, with Haar's and
# with YuNet's detections, unless said otherwise.
# A face that is not detected is reported where it should be for this long: blinks of the detector.
COAST_S = 0.2
REMEMBER_S = 0.7  # what only matches the face's last picture is reported for this long: a head turned away
FORGET_S = 2.0  # a face that is detected again within this time keeps its id
CONFIRM_HITS = 3  # detections before something uncertain is a face: a cascade's false boxes seldom last
# The same of a detector that is certain of most faces at once: a skull on a shirt lasts longer.
DOUBTED_HITS = 6
DOUBT_S = 0.2  # without a detection for this long, something uncertain is forgotten
MIN_HIT_RATE = 0.5  # what is detected in a smaller share of frames, in the long run, is no face
HIT_RATE_GAIN = 0.06  # of the newest frame in that share: a memory of about 16 frames
LONGEST_STEP_S = 0.5  # a longer pause between frames says nothing about where a face has gone
EPSILON_S = 1e-6

# Matching detections with faces; distances are in face widths.
GATE = 0.7  # a detection further away is another face
GATE_GROWTH = 1.5  # a second of absence: the longer a face was gone, the further away it may come back
SIZE_WEIGHT = 0.7  # of the logarithm of a change of size
UNCERTAIN_COST = 0.3  # a face is served before what may be none
UNKNOWN_UNLIKENESS = 0.5  # of a face whose appearance was never recorded; 0 is the same picture
SAME_APPEARANCE = 0.8  # correlation of two pictures of one face; two faces of the demo reach 0.75
ALONE_IOU = 0.05  # the appearance of a face that overlaps another one more is not recorded
MATCH_IOU = 0.2  # a template match that overlaps another face more, or lies within it, has found that one

VELOCITY_GAIN = 0.35  # an alpha-beta filter with alpha 1: this share of the prediction's error is believed
MATCH_VELOCITY_GAIN = 3.0  # a second; a template match is only as fine as its search
VELOCITY_DECAY = 0.85  # a frame without a detection
APPEARANCE_GAIN = 0.2  # of the newest picture in the running mean
MAX_FACES = 20
KEPT_GAIN = 1.3  # of more faces the largest are told; one that was told already counts as so much larger

Appearance = Callable[[BoundingBox], np.ndarray]


@dataclass(frozen=True)
class TrackedFace:
    """A face with an id that stays; ``detected`` False: it is only remembered, the detector missed it."""

    id: int
    box: BoundingBox
    score: float
    detected: bool


@dataclass
class Track:
    """What is known of one face; ``id`` is 0 until it is certain that it is one."""

    box: BoundingBox
    score: float
    detected_s: float  # time of the last detection
    id: int = 0
    best_score: float = 0.0  # of all detections
    hits: int = 1
    hit_rate: float = 1.0
    detected: bool = True
    matched: bool = False  # missed by the detector, but its last picture was found again
    picture: tuple[np.ndarray, BoundingBox] | None = None  # the frame and box of the last detection
    velocity_xy: np.ndarray = field(default_factory=lambda: np.zeros(2))  # pixels a second
    appearance: np.ndarray | None = None  # unit vector of the face's pixels, to tell crossing faces apart

    @property
    def certain(self) -> bool:
        return self.id > 0

    def is_followed(self, now_s: float) -> bool:
        """Return whether the face is still looked for at its place."""
        return self.matched or now_s - self.detected_s <= COAST_S + EPSILON_S


class FaceTracker:
    """Turns detections into faces with ids. ``certain_score``: a detection at or above it is a face at once, above 1:
    none is.
    """

    def __init__(self, certain_score: float):
        self.certain_score = certain_score
        self.confirm_hits = CONFIRM_HITS if certain_score > 1 else DOUBTED_HITS
        self.tracks: list[Track] = []
        self._next_id = 1
        self._told_ids: set[int] = set()  # of more than MAX_FACES
        self._now_s: float | None = None

    def forget(self) -> None:
        """Drop all faces; ids go on, so that no two faces of a run share one."""
        self.tracks.clear()
        self._now_s = None

    def predict(self, now_s: float) -> list[Track]:
        """Move every face to where it should be at ``now_s`` and return the tracks, certain ones first."""
        elapsed_s = 0.0 if self._now_s is None else min(max(now_s - self._now_s, 0.0), LONGEST_STEP_S)
        self._now_s = now_s
        for track in self.tracks:
            dx, dy = (track.velocity_xy * elapsed_s).tolist()
            box = track.box
            track.box = BoundingBox(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)
        return self.tracks

    def update(
        self,
        detections: Sequence[Detection],
        create: bool,
        appearance_of: Appearance | None = None,
        match: Callable[[Track], BoundingBox | None] | None = None,
    ) -> list[TrackedFace]:
        """Give the detections of the frame last predicted to the faces; return the certain ones, largest first.

        ``create``: detections that belong to no known face begin a new one. ``appearance_of`` returns the unit vector
        of the pixels in a box; it is called only where two faces are near enough to be mistaken. ``match`` returns
        where a certain face without a detection still is, or None.
        """
        now_s = self._now_s or 0.0
        pairs, leftover = self._associate(detections, appearance_of)
        for track in self.tracks:
            self._settle(track, pairs.get(id(track)), now_s, appearance_of)
        if match is not None:
            self._match_missed(now_s, match)
        self.tracks = [track for track in self.tracks if self._keeps(track, now_s)]
        if create:
            self._begin(leftover, now_s, appearance_of)
        faces = [
            TrackedFace(track.id, track.box, track.score, track.detected)
            for track in self.tracks
            if track.certain and track.is_followed(now_s)
        ]
        return self._told(sorted(faces, key=lambda face: -face.box.width))

    def _told(self, faces: list[TrackedFace]) -> list[TrackedFace]:
        """Return as many of ``faces``, sorted by size, as are told: the largest, and of those alike the same ones."""
        if len(faces) > MAX_FACES:
            if not self._told_ids:
                log.warning("more than %d faces at once: the largest are told", MAX_FACES)
            told = sorted(faces, key=lambda face: -face.box.width * KEPT_GAIN ** (face.id in self._told_ids))
            self._told_ids = {face.id for face in told[:MAX_FACES]}
            faces = [face for face in faces if face.id in self._told_ids]
        return faces

    def _associate(
        self, detections: Sequence[Detection], appearance_of: Appearance | None
    ) -> tuple[dict[int, Detection], list[Detection]]:
        """Return the detection of each track by the track's identity, and the detections that are left."""
        candidates = [
            (self._distance(track, detection), i, j)
            for i, track in enumerate(self.tracks)
            for j, detection in enumerate(detections)
        ]
        candidates = [
            (cost + (0.0 if self.tracks[i].certain else UNCERTAIN_COST), i, j)
            for cost, i, j in candidates
            if cost < GATE
        ]
        if appearance_of is not None and len({j for _, _, j in candidates}) < len(candidates):
            candidates = self._add_unlikeness(candidates, detections, appearance_of)
        taken_tracks: dict[int, Detection] = {}
        taken: set[int] = set()
        for _, i, j in sorted(candidates):
            if id(self.tracks[i]) not in taken_tracks and j not in taken:
                taken_tracks[id(self.tracks[i])] = detections[j]
                taken.add(j)
        return taken_tracks, [detection for j, detection in enumerate(detections) if j not in taken]

    def _distance(self, track: Track, detection: Detection) -> float:
        """Return how far a detection is from a track: centre distance in face widths, plus change of size."""
        (x, y), (u, v) = track.box.center_xy, detection.box.center_xy
        width = (track.box.width + detection.box.width) / 2
        absent_s = (self._now_s or 0.0) - track.detected_s
        apart = np.hypot(x - u, y - v) / width / (1 + GATE_GROWTH * absent_s)
        grown = abs(np.log(detection.box.width / track.box.width))
        return float(apart + SIZE_WEIGHT * grown)

    def _add_unlikeness(
        self,
        candidates: list[tuple[float, int, int]],
        detections: Sequence[Detection],
        appearance_of: Appearance,
    ) -> list[tuple[float, int, int]]:
        appearances = {j: appearance_of(detections[j].box) for _, _, j in candidates}
        compared = []
        for cost, i, j in candidates:
            known = self.tracks[i].appearance
            unlike = UNKNOWN_UNLIKENESS if known is None else 1 - float(known @ appearances[j])
            compared.append((cost + unlike, i, j))
        return compared

    def _settle(
        self, track: Track, detection: Detection | None, now_s: float, appearance_of: Appearance | None
    ) -> None:
        """Bring one track up to date with its detection, or with there being none."""
        track.detected = detection is not None
        if (
            track.detected or now_s - track.detected_s <= COAST_S
        ):  # a long absence says nothing about what was there
            track.hit_rate += HIT_RATE_GAIN * (track.detected - track.hit_rate)
        if detection is None:
            track.velocity_xy = track.velocity_xy * VELOCITY_DECAY
            return
        track.matched = False
        elapsed_s = max(now_s - track.detected_s, 1e-3)
        moved = np.subtract(detection.box.center_xy, track.box.center_xy)
        # The prediction already moved by velocity; what is left is its error.
        track.velocity_xy = track.velocity_xy + VELOCITY_GAIN * moved / elapsed_s
        track.box, track.score, track.detected_s = detection.box, detection.score, now_s
        track.hits += 1
        track.best_score = max(track.best_score, detection.score)
        if not track.certain and (track.hits >= self.confirm_hits or detection.score >= self.certain_score):
            self._confirm(track)
        if appearance_of is not None and len(self.tracks) > 1 and self._alone(track):
            new, known = appearance_of(track.box), track.appearance
            mixed = new if known is None else (1 - APPEARANCE_GAIN) * known + APPEARANCE_GAIN * new
            track.appearance = mixed / max(float(np.linalg.norm(mixed)), 1e-6)

    def _match_missed(self, now_s: float, match: Callable[[Track], BoundingBox | None]) -> None:
        """Find the missed faces by their last picture, each no longer than REMEMBER_S after its last detection.

        Not those of which a detector that can be certain never was.
        """
        for track in self.tracks:
            followed, track.matched = track.is_followed(now_s), False
            doubted = self.certain_score <= 1 and track.best_score < self.certain_score
            if track.detected or not track.certain or doubted or not followed:
                continue
            if now_s - track.detected_s > REMEMBER_S:
                continue
            box = match(track)
            others = (other for other in self.tracks if other is not track)
            if box is not None and not any(
                other.box.iou(box) > MATCH_IOU or same_face(other.box, box) for other in others
            ):
                moved = np.subtract(box.center_xy, track.box.center_xy)
                track.velocity_xy = track.velocity_xy + MATCH_VELOCITY_GAIN * moved
                track.box, track.matched = box, True

    def _alone(self, track: Track) -> bool:
        return all(other is track or other.box.iou(track.box) < ALONE_IOU for other in self.tracks)

    def _keeps(self, track: Track, now_s: float) -> bool:
        absent_s = now_s - track.detected_s
        if not track.certain:
            return absent_s <= DOUBT_S
        return absent_s <= FORGET_S and not (track.detected and track.hit_rate < MIN_HIT_RATE)

    def _begin(self, detections: Sequence[Detection], now_s: float, appearance_of: Appearance | None) -> None:
        for detection in sorted(detections, key=lambda found: -found.score):
            if any(track.detected and same_face(track.box, detection.box) for track in self.tracks):
                continue
            returned = None if appearance_of is None else self._returned(detection, appearance_of)
            if returned is not None:
                returned.velocity_xy = np.zeros(2)
                returned.box = detection.box
                self._settle(returned, detection, now_s, None)
                continue
            track = Track(detection.box, detection.score, now_s, best_score=detection.score)
            self.tracks.append(track)
            if detection.score >= self.certain_score:
                self._confirm(track)

    def _returned(self, detection: Detection, appearance_of: Appearance) -> Track | None:
        """Return the absent face that looks like ``detection``, wherever that is, or None."""
        absent = [
            (track, track.appearance)
            for track in self.tracks
            if track.certain and not track.detected and track.appearance is not None
        ]
        if not absent:
            return None
        appearance = appearance_of(detection.box)
        best, known = max(absent, key=lambda pair: float(pair[1] @ appearance))
        return best if float(known @ appearance) >= SAME_APPEARANCE else None

    def _confirm(self, track: Track) -> None:
        track.id, self._next_id = self._next_id, self._next_id + 1
