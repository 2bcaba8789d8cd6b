"""A long run of the frame loop with faults injected: does anything grow, and is every frame accounted for?

Usage: python benchmarks/soak.py [--frames N] [--seconds S] [--out docs/figures/soak.md]

The source is the demo, live and as fast as it goes, so that late frames are dropped; now and then it fails, ends, goes
black, freezes or changes its size. One sink stalls, one fails for good, one writes rows into a pipe whose reader is
slow, and watchers of the preview come and go.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import json
import os
import random
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from device.capture import live_capture
from device.capture.sources.demo import DemoSource
from device.cli.ending import run_script
from device.errors import EdgeError
from device.frames import Frame, FrameSource
from device.results import FrameResult
from device.runtime.build import frame_loop
from device.runtime.options import RunOptions
from device.runtime.session import run_session
from device.runtime.stopping import Stop
from device.sinks import Sink
from device.sinks.jsonl import JsonLinesSink
from device.sinks.preview import PreviewSink
from device.sinks.web_server import WebAddress

FAULTS = ("error", "surprise", "end", "black", "frozen", "size")
EVERY = 2_000  # frames between two faults, about
MILLION = 1_000_000
SPELL = 40  # frames that are black, frozen or small
PAUSE_S = 0.004  # else the source alone takes all of the interpreter's time
ROWS = 60  # of the page's table, about
MALLINFO2 = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
    *("uordblks", "fordblks", "keepcost"),
)


class FaultyDemo(FrameSource):
    """The demo without pacing; ``given`` counts the frames that were handed on, ``faults`` what went wrong."""

    name, live, continuous = "faulty demo", True, True

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.given, self.faults = 0, dict.fromkeys(FAULTS, 0)
        self.demo = DemoSource(None)
        self.next = 0

    def __enter__(self) -> "FaultyDemo":
        self.demo.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.demo.__exit__(*exc)

    def __iter__(self) -> Iterator[Frame]:
        index, spell, kind = 0, 0, ""
        while True:
            if spell == 0 and self.random.randrange(EVERY) == 0:
                kind, spell = self.random.choice(FAULTS), SPELL
                self.faults[kind] += 1
                if kind == "error":
                    raise EdgeError("the cable is loose")
                if kind == "surprise":
                    raise RuntimeError("a driver's surprise")
                if kind == "end":
                    return
            picture = self.demo.picture(self.next if kind != "frozen" or not spell else 0)
            picture = picture * 0 if spell and kind == "black" else picture
            picture = np.ascontiguousarray(picture[:240, :320]) if spell and kind == "size" else picture
            spell, self.next = max(0, spell - 1), self.next + 1
            self.given += 1
            yield Frame(picture, index, time.monotonic_ns())
            index += 1
            time.sleep(PAUSE_S)


class Stalling(Sink):
    """Stands still now and then, for longer than its queue lasts."""

    name = "stalling"

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def write(self, result: FrameResult) -> None:
        if self.random.randrange(EVERY) == 0:
            time.sleep(1.0)


class Failing(Sink):
    """Fails for good after a while."""

    name = "failing"

    def __init__(self) -> None:
        self.left = 100

    def write(self, result: FrameResult) -> None:
        self.left -= 1
        if self.left < 0:
            raise EdgeError("the disk is gone")


class Malloc(ctypes.Structure):
    """What glibc's mallinfo2 counts, in bytes and over all arenas."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in MALLINFO2)


def handed_out() -> float:
    """Return the megabytes that malloc has handed out and not got back."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Malloc
    counted = library.mallinfo2()
    return float(counted.uordblks + counted.hblkhd) / 1e6


@dataclasses.dataclass
class Probe:
    """What the process holds, sampled by an inline sink as the frames go by."""

    name = "probe"
    every: int
    stop: Stop
    frames: int
    until_s: float
    done: int = 0
    samples: list[tuple[int, float, float, int, int]] = dataclasses.field(default_factory=list)

    def write(self, result: FrameResult) -> None:
        self.done += 1
        if self.done % self.every == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
            counts = (threading.active_count(), len(os.listdir("/proc/self/fd")))
            self.samples.append((self.done, megabytes, handed_out(), *counts))
        if self.done >= self.frames or time.monotonic() >= self.until_s:
            self.stop.because("the end")

    def close(self) -> None: ...


def drain(pipe: Path) -> None:
    """Read the rows slowly, to their end."""
    with open(pipe, "rb", buffering=0) as rows:
        while rows.read(4096):
            time.sleep(0.002)


def watch(url: str, stop: Stop, seed: int) -> None:
    """Open the stream or the state again and again, read a little and go away."""
    chance = random.Random(seed)
    while not stop.wait(chance.uniform(0.05, 0.5)):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(url + chance.choice(("stream", "state")), timeout=5) as answer,
        ):
            answer.read(chance.randrange(1, 20_000))


def soak(frames: int, seconds: float, seed: int = 0) -> dict[str, Any]:
    """Run ``frames`` frames, ``seconds`` at most; return what was counted, and the samples."""
    live_capture.FIRST_PAUSE_S = 0.01  # what is tried here is that it opens again, not how long it waits
    options = RunOptions(source="demo", detector="haar", min_face=96)
    from device.model.expression_model import load_model

    stop, source = Stop(), FaultyDemo(seed)
    loop = frame_loop(options, load_model(), continuous=True)
    probe = Probe(min(500, max(1, frames // 40)), stop, frames, time.monotonic() + seconds)
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder) / "rows.jsonl"
        os.mkfifo(pipe)
        preview = PreviewSink(WebAddress("127.0.0.1", 0))
        sinks = [JsonLinesSink(pipe, overwrite=True), Stalling(seed), Failing(), preview]
        beside = [threading.Thread(target=drain, args=[pipe])]
        beside += [threading.Thread(target=watch, args=[preview.url, stop, number]) for number in range(3)]
        for one in beside:
            one.start()
        statistics = run_session(source, loop, sinks, stop, inline=[probe])
        for one in beside:
            one.join()
    return {
        "given": source.given,
        "faults": source.faults,
        "samples": probe.samples,
        **{
            key: statistics.to_json()[key]
            for key in ("frames", "dropped", "reopened", "seconds", "outputs", "notes")
        },
    }


def growth(samples: list[tuple[int, float, float, int, int]]) -> tuple[float, float, int, int]:
    """Return by how much the medians of the last quarter exceed those of the second: MB, MB, threads, descriptors."""
    quarter = len(samples) // 4
    early, late = np.array(samples[quarter : 2 * quarter]), np.array(samples[-quarter:])
    rise = np.median(late, axis=0) - np.median(early, axis=0)
    return float(rise[1]), float(rise[2]), int(rise[3]), int(rise[4])


def page(found: dict[str, Any], command: str) -> str:
    """Return the figures as Markdown."""
    megabytes, used, threads, descriptors = growth(found["samples"])
    resident = [mb for _, mb, *_ in found["samples"]]
    lowest, highest = min(resident), max(resident)
    lines = [
        "# A long run with faults",
        "",
        f"`{command}`: {found['frames']:,} frames in {found['seconds'] / 60:.0f} minutes. `make soak` runs a million: "
        f"{'so it did here.' if found['frames'] >= MILLION else 'that has not been done here yet.'}",
        "",
        f"Given by the source {found['given']:,}, processed {found['frames']:,}, dropped because late "
        f"{found['dropped']:,}, left over at the end or stale {found['given'] - found['frames'] - found['dropped']:,}. "
        f"Opened again {found['reopened']} times.",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in found["faults"].items()),
        "",
        "| sink | written | dropped and counted | together |",
        "|---|---|---|---|",
        *(
            f"| {Path(name).name} | {one['written']:,} | {one['dropped']:,} | {one['written'] + one['dropped']:,} |"
            for name, one in found["outputs"].items()
        ),
        "",
        f"Resident memory lay between {lowest:.0f} and {highest:.0f} MB. "
        f"From the second quarter to the last the process grew by {megabytes:.1f} MB, {threads} threads and "
        f"{descriptors} descriptors (medians); what malloc has handed out, without what it keeps for later, by "
        f"{used:.1f} MB.",
        "",
        "| frames | MB resident | MB handed out | threads | descriptors |",
        "|---|---|---|---|---|",
        *(
            f"| {done:,} | {mb:.1f} | {out:.1f} | {count} | {open_files} |"
            for done, mb, out, count, open_files in found["samples"][:: max(1, len(found["samples"]) // ROWS)]
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=MILLION)
    parser.add_argument("--seconds", type=float, default=1e9, help="Stop after this time at the latest.")
    parser.add_argument("--out", type=Path, help="Write the figures here; without, print them as JSON.")
    asked = parser.parse_args()
    found = soak(asked.frames, asked.seconds)
    if asked.out:
        asked.out.write_text(page(found, f"python benchmarks/soak.py --frames {found['frames']}"))
    else:
        json.dump(found, sys.stdout)


if __name__ == "__main__":
    run_script(main)
