"""The frame loop: what it finds in films and photographs, calm, time, memory, start, accuracy.

    python benchmarks/device_loop.py [--parts films,photographs,...] [--out docs/figures/device_loop]

writes OUT.json and OUT.md. Needs the clips, the YuNet file and the PublicTest faces of the shared folder
($FER_EDGE_SHARED, else ../shared). All ways see each frame one after another, so that a busy moment hits all alike;
decoding is excluded. Wall times are medians and means of this machine; CPU times do not count what others do.
"""

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from device_process import age_of_live_frames, soak, start_and_memory
from film_quality import as_yunet, films, photographs, reaction
from loop_tables import markdown

from device.capture.sources.video import VideoFile
from device.cli.ending import run_script
from device.faces.alignment import FaceCropper
from device.faces.detectors import create_detector
from device.faces.detectors.yunet_file import YUNET_NAME
from device.faces.face_finder import FaceFinder
from device.files import write_whole
from device.frames import BoundingBox, Frame
from device.model.expression_model import load_model
from device.runtime.frame_loop import FrameLoop
from device.runtime.latency import LatencyRecorder, LatencyStats
from device.runtime.smoothing import ScoreSmoother

CLIPS = ("learn.mkv", "help.mkv", "please.mkv", "student.mkv")
RATE = 30.0
TRUTH_SCORE = 0.6
PARTS = ("films", "photographs", "reaction", "ways", "start", "age", "whole_way", "soak")
PASTED_PX = (60, 120, 240)


class Stopwatch:
    """Adds up what the detector and the network take, so that the rest is the loop's own."""

    def __init__(self) -> None:
        self.ns = 0

    def timed(self, function):
        def call(*arguments):
            started = time.perf_counter_ns()
            try:
                return function(*arguments)
            finally:
                self.ns += time.perf_counter_ns() - started

        return call


@dataclass
class Way:
    """One way to process a clip, with what it took."""

    name: str
    detector: str
    every_frame: bool
    loop: FrameLoop | None = None
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    overhead_ms: list[float] = field(default_factory=list)
    hits: int = 0
    truths: int = 0
    false: int = 0
    ids: dict[str, int] = field(default_factory=dict)

    def renew(self, yunet: Path) -> None:
        """Begin a clip: new ids, new tracks."""
        file = yunet if self.detector == "yunet" else None
        detector = create_detector(self.detector, model_file=file, reduce=not self.every_frame)
        model = load_model()
        detector.detect = self.stopwatch.timed(detector.detect)
        model.predict = self.stopwatch.timed(model.predict)
        finder = FaceFinder(detector, self.every_frame)
        self.loop = FrameLoop(finder, model, ScoreSmoother(0.4), LatencyRecorder())

    def process(self, frame: Frame, steady: bool):
        assert self.loop is not None
        self.stopwatch.ns = 0
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        result = self.loop.process(frame)
        cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
        if steady:
            self.wall_ms.append(wall / 1e6)
            self.cpu_ms.append(cpu / 1e6)
            self.overhead_ms.append((wall - self.stopwatch.ns) / 1e6)
        return result


def read_clip(path: Path) -> list[np.ndarray]:
    with VideoFile(path) as source:
        return [frame.image for frame in source]


def compare_ways(shared: Path, repeats: int) -> list[Way]:
    """Play every clip ``repeats`` times, forth and back, through every way."""
    yunet = shared / "data/detectors" / YUNET_NAME
    ways = [
        Way("full-frame Haar, every frame", "haar", True),
        Way("full-frame YuNet, every frame", "yunet", True),
        Way("loop with Haar", "haar", False),
        Way("loop with YuNet", "yunet", False),
    ]
    oracle = create_detector("yunet", model_file=yunet, reduce=False)
    for clip in CLIPS:
        images = read_clip(shared / "data/video" / clip)
        truths = [[one.box for one in oracle.detect(image) if one.score >= TRUTH_SCORE] for image in images]
        order = [*range(len(images)), *range(len(images) - 2, 0, -1)] * repeats
        for way in ways:
            way.renew(yunet)
        for index, number in enumerate(order):
            frame = Frame(images[number], index, time.monotonic_ns(), index / RATE)
            for way in ways:
                score(way, clip, way.process(frame, steady=index >= 5), truths[number])
    return ways


def score(way: Way, clip: str, result, truths: list[BoundingBox]) -> None:
    found = [as_yunet(face.box) if way.detector == "haar" else face.box for face in result.faces]
    way.truths += len(truths)
    way.hits += sum(any(box.iou(truth) >= 0.5 for box in found) for truth in truths)
    way.false += sum(all(box.iou(truth) < 0.3 for truth in truths) for box in found)
    way.ids[clip] = max([way.ids.get(clip, 0), *(face.id for face in result.faces)])


def way_document(way: Way, baselines: dict[str, Way]) -> dict:
    document = {
        "wall": LatencyStats.of(way.wall_ms).to_json(),
        "cpu_mean_ms": round(float(np.mean(way.cpu_ms)), 4),
        "overhead": LatencyStats.of(way.overhead_ms).to_json(),
        "recall_of_full_yunet": round(way.hits / way.truths, 4),
        "false_share": round(way.false / way.truths, 4),
        "ids_by_clip": way.ids,
        "frames": len(way.wall_ms),
    }
    for name, baseline in baselines.items():
        document[f"times_faster_than_{name}"] = {
            "wall_mean": round(float(np.mean(baseline.wall_ms) / np.mean(way.wall_ms)), 2),
            "wall_p50": round(float(np.median(baseline.wall_ms) / np.median(way.wall_ms)), 2),
            "cpu_mean": round(float(np.mean(baseline.cpu_ms) / np.mean(way.cpu_ms)), 2),
        }
    return document


def whole_way_accuracy(shared: Path, step: int) -> dict:
    """Paste every ``step``-th PublicTest face into a still, find, crop and classify it."""
    sys.path.insert(0, str(shared / "tools"))
    import fer2013

    images, labels, usage, _ = fer2013.load(shared / "data/fer2013")
    rows = np.flatnonzero(usage == fer2013.USAGES.index("PublicTest"))[::step]
    model = load_model()
    clean = model.predict(images[rows]).argmax(axis=1) == labels[rows]
    document: dict = {"n": len(rows), "clean_accuracy": round(float(clean.mean()), 4), "detectors": {}}
    for name in ("yunet", "haar"):
        file = shared / "data/detectors" / YUNET_NAME if name == "yunet" else None
        detector = create_detector(name, model_file=file)
        sizes = {
            str(side): one_size(detector, model, images[rows], labels[rows], clean, side)
            for side in PASTED_PX
        }
        overall = float(np.mean([one["over_all"] for one in sizes.values()]))
        among = float(np.mean([one["among_found"] for one in sizes.values()]))
        clean_among = float(np.mean([one["clean_among_found"] for one in sizes.values()]))
        document["detectors"][name] = {
            "sizes_px": sizes,
            "drop_over_all_points": round(100 * (float(clean.mean()) - overall), 2),
            "drop_among_found_points": round(100 * (clean_among - among), 2),
        }
    return document


def one_size(detector, model, faces, labels, clean, side_px: int) -> dict:
    right, found = np.zeros(len(faces), bool), np.zeros(len(faces), bool)
    for number, face in enumerate(faces):
        picture, truth = pasted(face, side_px, number)
        near = [one for one in detector.detect_still(picture) if one.box.iou(truth) > 0.3]
        if near:
            box = max(near, key=lambda one: one.score).box
            crop = FaceCropper(detector.margin_ratio).crop(picture, box)
            found[number] = True
            right[number] = model.predict(crop[None]).argmax() == labels[number]
    return {
        "found": round(float(found.mean()), 4),
        "over_all": round(float(right.mean()), 4),
        "among_found": round(float(right[found].mean()), 4),
        "clean_among_found": round(float(clean[found].mean()), 4),
    }


def pasted(face: np.ndarray, side_px: int, seed: int) -> tuple[np.ndarray, BoundingBox]:
    """Return a 640x480 gray picture with the face somewhere on a soft background, and where."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(60, 200, (6, 8), dtype=np.uint8)
    picture = cv2.resize(rough, (640, 480), interpolation=cv2.INTER_CUBIC)
    left, top = int(rng.integers(0, 640 - side_px)), int(rng.integers(0, 480 - side_px))
    picture[top : top + side_px, left : left + side_px] = cv2.resize(
        face, (side_px, side_px), interpolation=cv2.INTER_CUBIC
    )
    return picture, BoundingBox(left, top, left + side_px, top + side_px)


def measure(part: str, options: argparse.Namespace) -> dict:
    """Return the figures of one part."""
    if part == "ways":
        ways = compare_ways(options.shared, options.repeats)
        baselines = {way.detector: way for way in ways if way.every_frame}
        return {way.name: way_document(way, baselines) for way in ways}
    if part == "films":
        return films(options.shared)
    if part == "photographs":
        return photographs(options.shared)
    if part == "reaction":
        return reaction()
    if part == "start":
        return {name: start_and_memory(options.shared, name) for name in ("haar", "yunet")}
    if part == "age":
        return age_of_live_frames()
    if part == "whole_way":
        return whole_way_accuracy(options.shared, options.step)
    return soak(options.shared, options.soak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).resolve().parents[1]
    shared = os.environ.get("FER_EDGE_SHARED", root.parent / "shared")
    parser.add_argument("--shared", type=Path, default=Path(shared))
    parser.add_argument("--parts", default=",".join(PARTS[:-1]), help=f"of {', '.join(PARTS)}; others stay")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--step", type=int, default=3, help="every n-th PublicTest face")
    parser.add_argument("--soak", type=int, default=200_000, help="demo frames to run for the memory figure")
    parser.add_argument("--out", type=Path, default=root / "docs/figures/device_loop")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    path = options.out.with_suffix(".json")
    document = json.loads(path.read_text()) if path.is_file() else {}
    for part in options.parts.split(","):
        figures = measure(part, options)
        document = json.loads(path.read_text()) if path.is_file() else document  # another part may run beside
        document |= {
            "schema": 1,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
            "opencv": cv2.__version__,
            "model_sha256": load_model().sha256,
            part: figures,
            "measured": {**document.get("measured", {}), part: date.today().isoformat()},
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(document, indent=1) + "\n")
    write_whole(options.out.with_suffix(".md"), markdown(document))
    print(markdown(document))


if __name__ == "__main__":
    run_script(main)
