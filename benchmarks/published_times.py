"""Published times that the boards' instructions a cycle come from, and how far estimates are from those left out.

Instructions are of Keras' own MobileNets at 224x224, random weights, converted and run by LiteRT as on a board, one
thread, with the kernels that the core's own description selects; YuNet's are of OpenCV's FaceDetectorYN.detect.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.emulation.boards import BOARDS

A53, A72, A76 = "cortex-a53", "cortex-a72", "cortex-a76"
# Millions of instructions by core, float32 and int8.
COUNTED = {
    ("MobileNet V1", False): {A53: 332.1, A72: 210.4, A76: 202.3},
    ("MobileNet V2", False): {A53: 195.9, A72: 123.4, A76: 120.5},
    ("MobileNet V3 Large", False): {A53: 140.0, A72: 93.6, A76: 91.5},
    ("MobileNet V3 Small", False): {A53: 38.0, A72: 28.0, A76: 27.5},
    ("MobileNet V1", True): {A53: 223.6, A72: 174.6, A76: 64.0},
    ("MobileNet V2", True): {A53: 131.9, A72: 113.7, A76: 49.2},
    ("YuNet 320x320", False): {A53: 70.9, A72: 70.9, A76: 70.9},
    ("YuNet 160x120", False): {A53: 16.4, A72: 16.4, A76: 16.4},
}


@dataclass(frozen=True)
class Published:
    """A published time: of what, on which core at which clock; ``kernels``: the core whose count stands for it."""

    network: str
    int8: bool
    machine: str
    kernels: str
    clock_ghz: float
    ms: float

    @property
    def millions(self) -> float:
        return COUNTED[self.network, self.int8][self.kernels]

    @property
    def ipc(self) -> float:
        """Instructions a cycle that the time implies."""
        return self.millions / (self.ms * self.clock_ghz)

    def estimate_ms(self, ipc: float) -> float:
        return self.millions / (self.clock_ghz * ipc)


FLOATS = ("MobileNet V1", "MobileNet V2", "MobileNet V3 Large", "MobileNet V3 Small")
SIX = [*((name, False) for name in FLOATS), ("MobileNet V1", True), ("MobileNet V2", True)]
PIXEL_2, PI_3, PI_4 = "Pixel 2 (Cortex-A73), one thread", "Pi 3B+, threads not told", "Pi 4"

# XNNPACK's README, one thread: the core nearest to an A72 of which such times were found.
ONE_THREAD = tuple(
    Published(name, False, PIXEL_2, A72, 2.35, ms) for name, ms in zip(FLOATS, (86, 53, 42, 14), strict=True)
)
# Qengineering's and others' tables, XNNPACK in TFLite.
PI_3_UNTOLD = (
    Published("MobileNet V1", False, PI_3, A53, 1.4, 134),
    Published("MobileNet V2", False, PI_3, A53, 1.4, 96),
    Published("MobileNet V1", True, PI_3, A53, 1.4, 77),
    Published("MobileNet V2", True, PI_3, A53, 1.4, 71),
)
# XNNPACK's README (February 2022), as many threads as cores: ms on a Pi 3+ and on a Pi 4, in the order of SIX.
FOUR_THREADS = dict(zip(SIX, ((114, 77), (79, 46), (67, 40), (22, 15), (46, 24), (30, 17)), strict=True))
# cv_facedetection_eval, one thread; four take 37 ms.
YUNET = Published("YuNet 320x320", False, f"{PI_4}, one thread", A72, 1.5, 59)
# benchmarking-ml-on-the-edge: SSD MobileNet V2 and V1 (0.75), int8, the same software on both boards: Pi 4 to Pi 5.
PI_4_TO_PI_5 = {"MobileNet V2": 113 / 23.5, "MobileNet V1": 83 / 16.9}


def mean_ipc(times: Sequence[Published]) -> float:
    """Return the geometric mean of the instructions a cycle that ``times`` imply."""
    return math.exp(statistics.fmean(math.log(time.ipc) for time in times))


def leave_one_out(times: Sequence[Published]) -> list[tuple[Published, float]]:
    """Return each time with what the others estimate for it, in ms."""
    return [
        (left, left.estimate_ms(mean_ipc([time for time in times if time is not left]))) for left in times
    ]


def by_equal_threads(a72_float: float, a72_int8: float) -> tuple[Published, ...]:
    """Return one-thread times of a Pi 3+: the A72's estimates, longer as FOUR_THREADS are longer there."""
    return tuple(
        Published(
            name,
            int8,
            "Pi 3+, from the Pi 4 at equal threads",
            A53,
            1.4,
            COUNTED[name, int8][A72] / (1.5 * (a72_int8 if int8 else a72_float)) * pi3 / pi4,
        )
        for (name, int8), (pi3, pi4) in FOUR_THREADS.items()
    )


def table() -> str:
    """Return the leave-one-out errors as a Markdown table."""
    a72 = BOARDS["pi4"]
    groups = (ONE_THREAD, by_equal_threads(a72.ipc_float, a72.ipc_int8), PI_3_UNTOLD)
    lines = ["| time of | ms | estimated from the others | off by |", "|---|---|---|---|"]
    for time, estimate in (pair for group in groups for pair in leave_one_out(group)):
        kind = "int8" if time.int8 else "float32"
        what, off = f"{time.network} {kind}, {time.machine}", 100 * (estimate / time.ms - 1)
        lines.append(f"| {what} | {time.ms:.0f} | {estimate:.0f} | {off:+.0f} % |")
    return "\n".join(lines)
