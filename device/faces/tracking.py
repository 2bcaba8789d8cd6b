"""Which face is which from frame to frame: motion, ids, and suppression of what does not last."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from device.faces.detectors.base import DUPLICATE_IOU, Detection
from device.frames import BoundingBox

COAST_S = 0.2  # a face that is not found is reported where it should be for this long
SIGHT_S = 1.5  # what only looks like the face is reported for this long
FORGET_S = 2.0  # and gets its old id back if it is found again within this time
CONFIRM_HITS = 3  # detections before something uncertain is a face
DOUBT_S = 0.2  # without a detection for this long, something uncertain is forgotten
MIN_HIT_RATE = 0.35  # what is found less often than this in the long run is no face
EPSILON_S = 1e-6
GATE = 0.7  # a detection further away than this many face widths is another face
SAME_LOOK = 0.8  # correlation of two pictures of one face; two faces of the demo reach 0.75
MAX_FACES = 20


@dataclass(frozen=True)
class TrackedFace:
    """A face with an id that stays; ``seen`` is False where the detector missed it in this frame."""

    id: int
    box: BoundingBox
    score: float
    seen: bool


@dataclass
class Track:
    """What is known of one face; ``id`` is 0 until it is certain that it is one."""

    box: BoundingBox
    score: float
    seen_s: float
    id: int = 0
    hits: int = 1
    hit_rate: float = 1.0
    seen: bool = True
    glimpsed: bool = False  # missed by the detector, but kept in sight
    sight: tuple[np.ndarray, BoundingBox] | None = None  # the frame and box of the last detection
    velocity_xy: np.ndarray = field(default_factory=lambda: np.zeros(2))  # pixels a second
    look: np.ndarray | None = None  # unit vector of the face's pixels, to tell crossing faces apart

    @property
    def certain(self) -> bool:
        return self.id > 0


class FaceTracker:
    """Turns detections into faces with ids. ``certain_score``: a detection this sure needs no second look."""

    def __init__(self, certain_score: float):
        self.certain_score = certain_score
        self.tracks: list[Track] = []
        self._next_id = 1
        self._now_s: float | None = None

    def forget(self) -> None:
        """Drop all faces; ids go on, so that no two faces of a run share one."""
        self.tracks.clear()
        self._now_s = None

    def predict(self, now_s: float) -> list[Track]:
        """Move every face to where it should be at ``now_s`` and return the tracks, certain ones first."""
        elapsed_s = 0.0 if self._now_s is None else min(max(now_s - self._now_s, 0.0), 0.5)
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
        look_at: Callable[[BoundingBox], np.ndarray] | None = None,
        find_again: Callable[[Track], BoundingBox | None] | None = None,
    ) -> list[TrackedFace]:
        """Give the detections of the frame last predicted to the faces; return the certain ones.

        ``create``: detections that belong to no known face begin a new one. ``look_at`` returns the unit vector
        of the pixels in a box; it is called only where two faces are near enough to be mistaken.
        ``find_again`` looks for a certain face that has no detection, and returns where it still is.
        """
        now_s = self._now_s or 0.0
        pairs, leftover = self._associate(detections, look_at)
        for track in self.tracks:
            self._settle(track, pairs.get(id(track)), now_s, look_at)
        if find_again is not None:
            self._keep_in_sight(now_s, find_again)
        self.tracks = [track for track in self.tracks if self._keeps(track, now_s)]
        if create:
            self._begin(leftover, now_s, look_at)
        faces = [
            TrackedFace(track.id, track.box, track.score, track.seen)
            for track in self.tracks
            if track.certain and (track.glimpsed or now_s - track.seen_s <= COAST_S + EPSILON_S)
        ]
        return sorted(faces, key=lambda face: -face.box.width)[:MAX_FACES]

    def _associate(self, detections, look_at) -> tuple[dict[int, Detection], list[Detection]]:
        """Return the detection of each track by the track's identity, and the detections that are left."""
        candidates = [
            (self._distance(track, detection), i, j)
            for i, track in enumerate(self.tracks)
            for j, detection in enumerate(detections)
        ]
        candidates = [(cost, i, j) for cost, i, j in candidates if cost < GATE]
        if look_at is not None and len({j for _, _, j in candidates}) < len(candidates):
            candidates = self._compare_looks(candidates, detections, look_at)
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
        # The longer a face was gone, the further from its guessed place it may come back.
        absent_s = (self._now_s or 0.0) - track.seen_s
        apart = np.hypot(x - u, y - v) / width / (1 + 1.5 * absent_s)
        grown = abs(np.log(detection.box.width / track.box.width))
        return float(apart + 0.7 * grown + (0.0 if track.certain else 0.3))

    def _compare_looks(self, candidates, detections, look_at) -> list[tuple[float, int, int]]:
        looks = {j: look_at(detections[j].box) for _, _, j in candidates}
        compared = []
        for cost, i, j in candidates:
            known = self.tracks[i].look
            unlike = 0.5 if known is None else 1 - float(known @ looks[j])
            compared.append((cost + unlike, i, j))
        return compared

    def _settle(self, track: Track, detection: Detection | None, now_s: float, look_at) -> None:
        """Bring one track up to date with its detection, or with there being none."""
        track.seen = detection is not None
        if track.seen or now_s - track.seen_s <= COAST_S:  # who is away is not doubted
            track.hit_rate += 0.06 * (track.seen - track.hit_rate)
        if detection is None:
            track.velocity_xy = track.velocity_xy * 0.85
            return
        elapsed_s = max(now_s - track.seen_s, 1e-3)
        moved = np.subtract(detection.box.center_xy, track.box.center_xy)
        # The prediction already moved by velocity; what is left is its error, of which a third is believed.
        track.velocity_xy = track.velocity_xy + 0.35 * moved / elapsed_s
        track.box, track.score, track.seen_s = detection.box, detection.score, now_s
        track.hits += 1
        if not track.certain and (track.hits >= CONFIRM_HITS or detection.score >= self.certain_score):
            self._confirm(track)
        if look_at is not None and len(self.tracks) > 1 and self._alone(track):
            look = look_at(track.box)
            track.look = look if track.look is None else _unit(0.8 * track.look + 0.2 * look)

    def _keep_in_sight(self, now_s: float, find_again: Callable[[Track], BoundingBox | None]) -> None:
        for track in self.tracks:
            followed = track.glimpsed or now_s - track.seen_s <= COAST_S + EPSILON_S
            track.glimpsed = False
            if track.seen or not track.certain or not followed or now_s - track.seen_s > SIGHT_S:
                continue
            box = find_again(track)
            if box is not None and all(other is track or other.box.iou(box) < 0.2 for other in self.tracks):
                track.velocity_xy = (
                    track.velocity_xy + (np.subtract(box.center_xy, track.box.center_xy)) * 3.0
                )
                track.box, track.glimpsed = box, True

    def _alone(self, track: Track) -> bool:
        return all(other is track or other.box.iou(track.box) < 0.05 for other in self.tracks)

    def _keeps(self, track: Track, now_s: float) -> bool:
        absent_s = now_s - track.seen_s
        if not track.certain:
            return absent_s <= DOUBT_S
        return absent_s <= FORGET_S and not (track.seen and track.hit_rate < MIN_HIT_RATE)

    def _begin(self, detections: Sequence[Detection], now_s: float, look_at) -> None:
        for detection in sorted(detections, key=lambda found: -found.score):
            if any(track.box.iou(detection.box) > DUPLICATE_IOU for track in self.tracks):
                continue
            if look_at is not None and (returned := self._returned(detection, look_at)) is not None:
                returned.velocity_xy = np.zeros(2)
                returned.box = detection.box
                self._settle(returned, detection, now_s, None)
                continue
            track = Track(detection.box, detection.score, now_s)
            self.tracks.append(track)
            if detection.score >= self.certain_score:
                self._confirm(track)

    def _returned(self, detection: Detection, look_at) -> Track | None:
        """Return the absent face that ``detection`` looks like, wherever it came out again, or None."""
        absent = [one for one in self.tracks if one.certain and not one.seen and one.look is not None]
        if not absent:
            return None
        look = look_at(detection.box)
        best = max(absent, key=lambda one: float(one.look @ look))
        return best if float(best.look @ look) >= SAME_LOOK else None

    def _confirm(self, track: Track) -> None:
        track.id, self._next_id = self._next_id, self._next_id + 1


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)
