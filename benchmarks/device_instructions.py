"""Guest instructions of the frame loop on an emulated Cortex-A72 (Pi 4), Python included.

    python benchmarks/device_instructions.py [--board pi4] [--detector yunet] [--frames 24] [--shared DIR]

The same file runs inside the emulated system (``guest``), over one clip's frames: the first 12 frames are not
counted; a steady frame follows the known face, a swept one searches the whole (reduced) picture besides.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

MARK = 0x3E4ED6E  # as in toolkit/emulation/counter.c
FIRST = 12
CLIP = "help.mkv"


def mark() -> None:
    with contextlib.suppress(OSError):
        os.getsid(MARK)


def guest(frames_file: str, detector_name: str, model_file: str) -> None:
    """Run every frame between two marks; runs on the emulated board."""
    import cv2
    import numpy as np

    from device.faces.detectors import create_detector
    from device.faces.face_finder import FaceFinder
    from device.frames import Frame
    from device.model.expression_model import load_model
    from device.runtime.frame_loop import FrameLoop
    from device.runtime.latency import LatencyRecorder
    from device.runtime.smoothing import ScoreSmoother

    cv2.setNumThreads(1)
    finder = FaceFinder(create_detector(detector_name, model_file=model_file or None))
    loop = FrameLoop(finder, load_model(), ScoreSmoother(0.4), LatencyRecorder())
    for index, image in enumerate(np.load(frames_file)):
        frame = Frame(image, index, index * 33_000_000, index / 30)
        before = finder.full_frame_detections
        mark()
        result = loop.process(frame)
        mark()
        print(
            json.dumps({"faces": len(result.faces), "swept": finder.full_frame_detections > before}),
            flush=True,
        )


def count(board_key: str, detector: str, frames: int, shared: Path) -> dict:
    """Return the instructions of steady and swept frames, in millions."""
    import numpy as np

    from device.capture.sources.video import VideoFile
    from device.faces.detectors.yunet_file import YUNET_NAME
    from toolkit.emulation.boards import board_named
    from toolkit.emulation.counts import PACKAGES
    from toolkit.emulation.estimate import SYSTEM
    from toolkit.emulation.guest_process import run_guest
    from toolkit.emulation.tree import ensure_packages, ensure_tree

    board = board_named(board_key)
    with VideoFile(shared / "data/video" / CLIP) as source:
        images = [frame.image for frame in source][:frames]
    model = str(shared / "data/detectors" / YUNET_NAME) if detector == "yunet" else ""
    with tempfile.NamedTemporaryFile(suffix=".npy") as handle:
        np.save(handle, np.stack(images))
        handle.flush()
        done = run_guest(
            board,
            ensure_tree(SYSTEM),
            [__file__, "guest", handle.name, detector, model],
            [ensure_packages(SYSTEM, PACKAGES), Path(__file__).resolve().parents[1]],
            counting=True,
        )
    totals = [int(total) for total in re.findall(r"fer-edge-count (\d+)", done.stderr)]
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or len(totals) != 2 * frames or len(told) != frames:
        sys.exit(f"the guest failed: {done.stderr[-2000:]}")
    spans = [(after - before) / 1e6 for before, after in zip(totals[::2], totals[1::2], strict=True)]
    late = list(zip(spans, told, strict=True))[FIRST:]
    steady = [span for span, one in late if one["faces"] == 1 and not one["swept"]]
    swept = [span for span, one in late if one["swept"]]
    return {
        "board": board.name,
        "core": board.core,
        "detector": detector,
        "steady_frame_million": round(statistics.median(steady), 2),
        "swept_frame_million": round(max(swept), 2) if swept else None,
        "mean_million": round(statistics.mean(span for span, _ in late), 2),
        "frames": len(late),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = os.environ.get("FER_EDGE_SHARED", Path(__file__).resolve().parents[1].parent / "shared")
    parser.add_argument("--board", default="pi4")
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--shared", type=Path, default=Path(shared))
    options = parser.parse_args()
    print(json.dumps(count(options.board, options.detector, options.frames, options.shared), indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["guest"]:
        guest(*sys.argv[2:])
    else:  # a guest has no click
        from device.cli.ending import run_script

        run_script(main)
