"""What the loop says of films and photographs: faces found and false, ids that change, labels that flip."""

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from clips import Clip, clips

from device.capture.sources.demo import DemoSource
from device.faces.detectors import create_detector
from device.faces.detectors.base import Detector
from device.frames import BoundingBox, Frame
from device.model.expression_model import load_model
from device.results import FrameResult
from device.runtime.build import frame_loop
from device.runtime.options import RunOptions

TRUTH_SCORE, TRUTH_PX = 0.6, 30  # of full-frame YuNet's faces that must be found
PHOTO_PX = 48
FOUND_IOU, FALSE_IOU = 0.5, 0.3
# Haar's box is the FER2013 crop, YuNet's lies inside it at x, y, width, height.
YUNET_IN_CROP = (0.09, 0.0, 0.82, 1.05)
AFTER_CUT_S = 0.5
COUNTED = ("truths", "hits", "reported", "false", "switches", "after_cut", "after_cut_false")
SETTLED_S = 0.6  # a label of single frames that stays for this long is one that should be shown


def as_yunet(box: BoundingBox) -> BoundingBox:
    """Return where YuNet's box would be for Haar's."""
    x, y, width, height = (share * box.width for share in YUNET_IN_CROP)
    return BoundingBox(box.left + x, box.top + y, box.left + x + width, box.top + y + height)


def films(shared: Path, detectors: tuple[str, ...] = ("haar", "yunet")) -> dict:
    """Return the figures of every film and their sums, for each detector with no other option given."""
    oracle = create_detector("yunet", reduce=False)
    oracle.min_score = 0.5  # what it half believes is not called false
    figures: dict = {name: {} for name in detectors}
    for clip in clips(shared):
        truths = [oracle.detect(image) for image in clip.images]
        for name in detectors:
            figures[name][clip.name] = one_film(clip, truths, name)
    for of_films in figures.values():
        of_films["all"] = summed(list(of_films.values()))
    return figures


def one_film(clip: Clip, truths: list, detector: str) -> dict:
    loop = frame_loop(RunOptions(detector=detector), load_model(), continuous=True)
    moments = zip(clip.images, clip.times_s, strict=True)
    results = [
        loop.process(Frame(image, index, round(at_s * 1e9), at_s))
        for index, (image, at_s) in enumerate(moments)
    ]
    counts: dict = defaultdict(int)
    owners: dict[int, int] = {}
    for result, found in zip(results, truths, strict=True):
        count_frame(counts, owners, result, found, detector, clip)
    flips = {kind: count_flips(results, kind) for kind in ("label", "smoothed_label")}
    face_s = sum(len(result.faces) for result in results) * float(np.median(np.diff(clip.times_s)))
    return {
        "frames": len(results),
        "full_frame_detections": loop.finder.full_frame_detections,
        "seconds_of_faces": round(face_s, 2),
        "flips_raw": flips["label"],
        "flips_shown": flips["smoothed_label"],
        **{key: counts[key] for key in COUNTED},
    }


def count_frame(
    counts: dict, owners: dict[int, int], result: FrameResult, found, detector: str, clip: Clip
) -> None:
    """Add one frame; ``owners``: the id by which each true face, told by its order from the left, was last reported."""
    asked = [one.box for one in found if one.score >= TRUTH_SCORE and one.box.width >= TRUTH_PX]
    boxes = [as_yunet(face.box) if detector == "haar" else face.box for face in result.faces]
    false = sum(all(box.iou(one.box) < FALSE_IOU for one in found) for box in boxes)
    counts["truths"] += len(asked)
    counts["hits"] += sum(any(box.iou(truth) >= FOUND_IOU for box in boxes) for truth in asked)
    counts["reported"] += len(boxes)
    counts["false"] += false
    cuts = [clip.times_s[cut] for cut in clip.cuts]
    if any(0 <= result.frame.time_s - cut_s < AFTER_CUT_S for cut_s in cuts):
        counts["after_cut"] += len(boxes)
        counts["after_cut_false"] += false
    if result.index in clip.cuts or len(asked) != len(owners):
        owners.clear()
    for place, truth in enumerate(sorted(asked, key=lambda box: box.left)):
        near = [face.id for face, box in zip(result.faces, boxes, strict=True) if box.iou(truth) >= FOUND_IOU]
        if near:
            counts["switches"] += owners.get(place, near[0]) != near[0]
            owners[place] = near[0]


def count_flips(results: list[FrameResult], kind: str) -> int:
    """Return how often the label of a face, ``label`` or ``smoothed_label``, changes from frame to frame."""
    flips, before = 0, {}
    for result in results:
        now = {face.id: getattr(face, kind) for face in result.faces}
        flips += sum(before.get(face_id, label) != label for face_id, label in now.items())
        before |= now
    return flips


def summed(of_films: list[dict]) -> dict:
    total = {key: sum(one[key] for one in of_films) for key in of_films[0]}
    minutes = total["seconds_of_faces"] / 60
    return {
        **total,
        "found_share": round(total["hits"] / max(total["truths"], 1), 4),
        "false_share": round(total["false"] / max(total["reported"], 1), 4),
        "flips_a_minute_raw": round(total["flips_raw"] / minutes, 1),
        "flips_a_minute_shown": round(total["flips_shown"] / minutes, 1),
    }


def reaction(seconds: float = 20.0) -> dict:
    """Return how long after a lasting change of single frames' labels the shown label follows, on the demo."""
    loop = frame_loop(RunOptions(), load_model(), continuous=True)
    with DemoSource(round(seconds * 30), hold_s=2.0) as source:
        results = [loop.process(frame) for frame in source]
    delays = []
    for face_id in {face.id for result in results for face in result.faces}:
        rows = [(r.frame.time_s, face) for r in results for face in r.faces if face.id == face_id]
        starts = [
            0,
            *(n + 1 for n, (one, other) in enumerate(pairwise(rows)) if one[1].label != other[1].label),
        ]
        for start, end in pairwise([*starts, len(rows)]):
            (start_s, face), shown = rows[start], [one.smoothed_label for _, one in rows[start:end]]
            lasts = rows[end - 1][0] - start_s >= SETTLED_S
            if start and lasts and shown[0] != face.label and face.label in shown:
                delays.append(rows[start + shown.index(face.label)][0] - start_s)
    return {"n": len(delays), "median_s": round(float(np.median(delays)), 3), "max_s": round(max(delays), 3)}


def photographs(shared: Path) -> dict:
    """Return what is found of the boxes of 48 pixels and up in the shared photographs, as ``--source DIR`` does."""
    boxes = json.loads((shared / "data/photos/faces.json").read_text())["boxes_xywh"]
    return {name: one_detector(shared, boxes, create_detector(name), name) for name in ("haar", "yunet")}


def one_detector(shared: Path, boxes: dict, detector: Detector, name: str) -> dict:
    truths = hits = reported = false = 0
    for photo, of_photo in boxes.items():
        known = [BoundingBox(x, y, x + width, y + height) for x, y, width, height in of_photo]
        found = [one.box for one in detector.detect_still(cv2.imread(str(shared / "data/photos" / photo)))]
        found = [as_yunet(box) if name == "haar" else box for box in found]
        asked = [box for box in known if box.width >= PHOTO_PX]
        truths += len(asked)
        hits += sum(any(box.iou(truth) >= FOUND_IOU for box in found) for truth in asked)
        large = [box for box in found if box.width >= PHOTO_PX]
        reported += len(large)
        false += sum(all(box.iou(truth) < FALSE_IOU for truth in known) for box in large)
    return {
        "faces": truths,
        "found_share": round(hits / truths, 4),
        "reported": reported,
        "false_share": round(false / max(reported, 1), 4),
    }
