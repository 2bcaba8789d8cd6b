"""What many boards cost: the broker that takes their rows, the page with a row a board, an update of one.

Usage: python benchmarks/fleet.py [--boards 200] [--seconds 30] [--wheel FILE] [--out docs/figures/fleet.md]

Everything is on this machine's loopback: mosquitto, the sinks of the boards as ``device run --mqtt`` opens them, one
listener for all topics, as Home Assistant is one. The update goes to an sshd, with the packages that the wheel needs
from pip's cache.
"""

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from loopback_board import SSHD, running_sshd
from real_broker import MOSQUITTO, RealBroker, wait_until

from device.cli.ending import run_script
from device.frames import BoundingBox, Frame
from device.model.expression_model import load_model
from device.results import Face, FrameResult
from device.sinks.broker import Broker
from device.sinks.mqtt import MqttSink
from toolkit.deploy.fleet import collected, newest_wheel
from toolkit.deploy.release import HostOutcome, Parcel
from toolkit.results.codec import write_results

TOOLKIT, DEVICE = (Path(sys.executable).with_name(name) for name in ("toolkit", "device"))
TICKS = os.sysconf("SC_CLK_TCK")
CHANGES_EVERY = 5  # messages of a board, one a second


def face_row(number: int, labels: tuple[str, ...]) -> FrameResult:
    """Return the result of a frame with one face, whose label changes now and then."""
    scores = {label: 1 / len(labels) for label in labels}
    label = labels[number // CHANGES_EVERY % len(labels)]
    face = Face(1, BoundingBox(200, 100, 320, 250), label, scores[label], scores, label, scores)
    frame = Frame(np.zeros((480, 640, 3), np.uint8), number, time.monotonic_ns())
    return FrameResult(
        frame, datetime.now(UTC), 12.5, (face,), {"detect": 9.0, "classify": 2.0, "frame": 12.0}
    )


def process_cost(pid: int) -> tuple[float, float]:
    """Return a process's seconds of processor time so far and its resident MB."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / TICKS, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Counter:
    """Counts rows and their bytes, from every board."""

    def __init__(self, port: int):
        from paho.mqtt import client as mqtt

        self.rows = self.bytes = 0
        self.subscribed = False
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_subscribe = lambda *rest: setattr(self, "subscribed", True)
        self.client.on_connect = lambda client, *rest: client.subscribe("fleet/+/faces", qos=1)
        self.client.on_message = self.count
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_until(lambda: self.subscribed)

    def count(self, client: Any, userdata: Any, message: Any) -> None:
        self.rows, self.bytes = self.rows + 1, self.bytes + len(message.payload)


def seconds_until(true: Callable[[], bool]) -> float:
    begun_s = time.monotonic()
    wait_until(true, timeout_s=180)
    return time.monotonic() - begun_s


def measure_broker(boards: int, seconds: int) -> dict[str, float]:
    """Let ``boards`` sinks publish a row a second each; return what the broker needs, and how fast they come back."""
    labels = load_model().labels
    with tempfile.TemporaryDirectory() as folder, RealBroker(Path(folder)) as broker:
        empty_mb = process_cost(broker.process.pid)[1]
        address = Broker("127.0.0.1", broker.port)
        now_s = 0.0  # of the sinks, which send a row a second: none is left out for being a moment early
        sinks = [
            MqttSink(address, labels, f"fleet/{number}", clock_s=lambda: now_s) for number in range(boards)
        ]
        connected = lambda: all(sink.client.is_connected() for sink in sinks)  # noqa: E731
        connect_s = seconds_until(connected)
        counter = Counter(broker.port)
        before_s, _ = process_cost(broker.process.pid)
        begun_s = time.monotonic()
        for second in range(seconds):
            now_s = float(second)
            for number, sink in enumerate(sinks):
                time.sleep(max(0.0, begun_s + second + number / boards - time.monotonic()))
                sink.write(face_row(number + second, labels))
        took_s = time.monotonic() - begun_s
        wait_until(lambda: counter.rows >= boards * seconds)
        after_s, full_mb = process_cost(broker.process.pid)
        broker.stop()
        wait_until(lambda: not any(sink.client.is_connected() for sink in sinks))
        broker.start()
        again_s = seconds_until(connected)
        counter.client.loop_stop()
        for sink in sinks:
            sink.close()
    return {
        "boards": boards, "rows": counter.rows, "rows_a_second": counter.rows / took_s,
        "bytes_a_row": counter.bytes / counter.rows, "processor_percent": 100 * (after_s - before_s) / took_s,
        "empty_mb": empty_mb, "full_mb": full_mb, "connect_s": connect_s, "again_s": again_s,
    }  # fmt: skip


def timed(*command: object) -> tuple[float, str]:
    """Return how long a command took and what it printed; its own error ends this program."""
    begun_s = time.monotonic()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} {command[1]}: {done.stdout}{done.stderr}")
    return time.monotonic() - begun_s, done.stdout


def measure_report(boards: int) -> dict[str, float]:
    """Join the results of ``boards`` boards, a file each, into one page."""
    found = json.loads(timed(DEVICE, "benchmark", "--runs", 50, "--json")[1])
    model = load_model().path
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(boards):
            outcome = HostOutcome(
                f"board{number:03}", "deployed", "", "Raspberry Pi 5 Model B Rev 1.0", found
            )
            paths.append(Path(folder) / f"{number}.json")
            write_results(collected([outcome], Parcel(Path("none.whl"), model)), paths[-1], False)
        page = Path(folder) / "page" / "index.html"
        took_s, _ = timed(TOOLKIT, "report", *paths, "--out", page, "--quiet")
        told = page.read_text()
        assert all(f"(board{number:03})" in told for number in range(boards))
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return {"boards": boards, "seconds": took_s, "peak_mb": peak_mb, "page_kb": len(told) / 1000}


def measure_update(wheel: Path) -> dict[str, float]:
    """Deploy to one board: an environment for the wheel at first, then a model alone."""
    parcel = Parcel(wheel, load_model().path)
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder) / "board"
        with running_sshd(board) as port:
            config = Path(folder) / "config"
            config.write_text(
                f"Host board\n HostName 127.0.0.1\n Port {port}\n IdentityFile {board}/user\n LogLevel ERROR\n"
                f" StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known\n"
            )
            command = (TOOLKIT, "deploy", "board", "--ssh-config", config, "--wheel", wheel, "--quiet", "--python",
                       sys.executable)  # fmt: skip
            first_s, _ = timed(*command)
            model_s, _ = timed(*command)
    return {
        "wheel_mb": wheel.stat().st_size / 1e6,
        "model_kb": parcel.model.stat().st_size / 1000,
        "first_s": first_s,
        "model_s": model_s,
    }


def page_of(broker: dict[str, float], report: dict[str, float], update: dict[str, float] | None) -> str:
    """Return the figures as Markdown."""
    lines = [
        "# What many boards cost",
        "",
        f"Written by `make bench-fleet` on {os.cpu_count()} cores, everything on loopback.",
        "",
        "| part | figure |",
        "|---|---|",
        f"| broker: boards, rows a second, bytes a row | {broker['boards']}, {broker['rows_a_second']:.0f}, "
        f"{broker['bytes_a_row']:.0f} |",
        f"| broker: one core busy | {broker['processor_percent']:.1f} % |",
        f"| broker: resident memory, alone and with all boards | {broker['empty_mb']:.1f} MB, "
        f"{broker['full_mb']:.1f} MB |",
        f"| broker: rows that did not arrive | {broker['boards'] * broker['seconds'] - broker['rows']:.0f} "
        f"of {broker['boards'] * broker['seconds']} |",
        f"| all boards connected, at first and after the broker's restart | {broker['connect_s']:.1f} s, "
        f"{broker['again_s']:.1f} s |",
        f"| page of {report['boards']} boards: time, memory, size | {report['seconds']:.1f} s, "
        f"{report['peak_mb']:.0f} MB, {report['page_kb']:.0f} kB |",
    ]
    if update:
        lines += [
            f"| update: wheel, model | {update['wheel_mb']:.1f} MB, {update['model_kb']:.0f} kB |",
            f"| update of a board: with a new wheel, with the wheel that is there | {update['first_s']:.0f} s, "
            f"{update['model_s']:.0f} s |",
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    logging.disable(logging.WARNING)  # the sinks tell that the broker went away, each of them
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30, help="rows of each board, one a second")
    parser.add_argument("--wheel", type=Path, help="what an update brings; by default the newest of dist/")
    parser.add_argument("--no-update", action="store_true", help="leave the update out")
    parser.add_argument("--out", type=Path, help="a page; by default JSON on standard output")
    asked = parser.parse_args()
    if MOSQUITTO is None or (SSHD is None and not asked.no_update):
        sys.exit("error: apt install mosquitto openssh-server")
    broker = {**measure_broker(asked.boards, asked.seconds), "seconds": asked.seconds}
    report = measure_report(asked.boards)
    update = None if asked.no_update else measure_update(asked.wheel or newest_wheel())
    if asked.out:
        asked.out.write_text(page_of(broker, report, update))
    else:
        print(json.dumps({"broker": broker, "report": report, "update": update}))


if __name__ == "__main__":
    run_script(main)
