"""What can only be seen from outside a running ``device run``: start, memory, age of live results."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from device.faces.detectors.yunet_file import YUNET_NAME

LIVE_RATE = 30.0


def run_device(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("device")), "run", *arguments]


def start_and_memory(shared: Path, detector: str, repeats: int = 5) -> dict:
    """Time from starting the program to its first row; peak RSS of a run over a clip with one face."""
    yunet = ("--detector", "yunet", "--detector-model", str(shared / "data/detectors" / YUNET_NAME))
    options = yunet if detector == "yunet" else ("--detector", detector)
    clip = str(shared / "data/video/help.mkv")
    seconds, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            rows = Path(folder) / f"{number}.jsonl"
            started = time.monotonic()
            process = subprocess.Popen(run_device("-q", "--source", clip, *options, "--output", str(rows)))
            while not (rows.exists() and rows.stat().st_size):
                if process.poll():
                    sys.exit(f"device run failed with {process.returncode}")
                time.sleep(0.002)
            seconds.append(time.monotonic() - started)
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, memory_mb(process.pid, "VmHWM"))
                time.sleep(0.005)
            peaks.append(peak)
    return {
        "start_to_first_row_s": {
            "min": round(min(seconds), 3),
            "median": round(float(np.median(seconds)), 3),
        },
        "peak_rss_mb": round(max(peaks), 1),
    }


def soak(shared: Path, frames: int) -> dict:
    """Run ``frames`` of the demo and read the memory on the way: after a tenth, then to the end."""
    options = ("--detector", "yunet", "--detector-model", str(shared / "data/detectors" / YUNET_NAME))
    process = subprocess.Popen(
        run_device("--json", "--source", f"demo:{frames}", *options), stdout=subprocess.PIPE, text=True
    )
    samples = []
    while process.poll() is None:
        time.sleep(1.0)
        samples.append(memory_mb(process.pid, "VmRSS"))
    assert process.stdout is not None
    statistics = json.loads(process.stdout.read())
    steady = [one for one in samples[max(1, len(samples) // 10) :] if one]
    return {
        "frames": statistics["frames"],
        "ids": statistics["ids"],
        "seconds": round(statistics["seconds"], 1),
        "rss_after_a_tenth_mb": steady[0],
        "rss_at_the_end_mb": steady[-1],
        "growth_mb": round(steady[-1] - steady[0], 2),
    }


def memory_mb(pid: int, field: str) -> float:
    """Return a field of /proc/PID/status in MB: VmRSS now, VmHWM at most; 0 once the process has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field):
                return round(int(line.split()[1]) / 1024, 2)
    except OSError:
        pass
    return 0.0


def age_of_live_frames(frames: int = 150) -> dict:
    """Age of results of a source paced at 30 a second: the newest-frame slot against its interval."""
    done = subprocess.run(
        run_device("--json", "--source", "demo:live", "--max-frames", str(frames)),
        capture_output=True,
        text=True,
        check=True,
    )
    statistics = json.loads(done.stdout)
    return {
        "age": statistics["latency"]["age"],
        "interval_ms": round(1000 / LIVE_RATE, 1),
        "dropped": statistics["dropped"],
    }
