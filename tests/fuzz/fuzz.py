"""Looks for a model file that crashes, hangs or swells ``device``: ``make fuzz FUZZ_SECONDS=600 FUZZ_SEED=1``.

Files come from ``model_files``, what is done with them is in ``worker``. A file that is found is made small by
hypothesis and kept in ``--out``; the exit status is then 1.
"""

import argparse
import collections
import contextlib
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import hypothesis.errors
from hypothesis import HealthCheck, Verbosity, given, settings

sys.path.insert(0, str(Path(__file__).parent))
from model_files import damaged, grown

HERE = Path(__file__).parent
EXAMPLES_A_ROUND = 300


class Worker:
    """The process that takes the files; a new one after each that died. ``counts``: its answers."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.counts: collections.Counter[str] = collections.Counter()

    def take(self, data: bytes) -> str | None:
        """Return what is wrong with what ``data`` does; None: nothing."""
        if self.process is None:
            command = [sys.executable, "-W", "error", str(HERE / "worker.py")]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(struct.pack("<Q", len(data)) + data)
            self.process.stdin.flush()
        header = self.process.stdout.read(8)
        if len(header) < 8:
            code = self.process.wait()
            self.process = None
            return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        answer = self.process.stdout.read(struct.unpack("<Q", header)[0]).decode()
        self.counts[answer[0]] += 1
        return answer[1:] or None

    def close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait()


def look(worker: Worker, seed: int, examples: int, found: dict[str, bytes]) -> None:
    """Try ``examples`` files of each kind; AssertionError, and the file in ``found``, for one that goes wrong."""
    for strategy in (damaged(), grown()):

        @hypothesis.seed(seed)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
        )
        @given(strategy)
        def one(data: bytes) -> None:
            fault = worker.take(data)
            if fault is not None:
                found["smallest"] = data
            assert fault is None, fault

        one()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args()
    worker, until, seed = Worker(), time.monotonic() + asked.seconds, asked.seed
    found: dict[str, bytes] = {}
    try:
        while time.monotonic() < until:
            look(worker, seed, EXAMPLES_A_ROUND, found)
            seed += 1
    except (AssertionError, hypothesis.errors.Flaky) as error:
        asked.out.mkdir(parents=True, exist_ok=True)
        for kind, data in found.items():
            (asked.out / f"{kind}_{seed}.tflite").write_bytes(data)
        print(f"found with seed {seed}, kept in {asked.out}: {str(error)[-1000:]}", file=sys.stderr)
        return 1
    finally:
        worker.close()
        print(f"{sum(worker.counts.values())} files, seeds {asked.seed} to {seed - 1}: {dict(worker.counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
