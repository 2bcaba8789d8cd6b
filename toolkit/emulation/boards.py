"""The boards that can be estimated, and how instructions become a time on them.

time = instructions / (clock * instructions a cycle). The counts come from the emulated core, the instructions a cycle
(IPC) from published times of other networks (``benchmarks/published_times.py`` has them and the errors):

- Cortex-A72, network: float32 0.96, what four networks take in one thread of a Cortex-A73; left out in turn they are
  met within 14 %. int8 has no such time: 1.5 lies in the middle of what XNNPACK's times with four threads allow
  (one thread takes no less than four do, and no more than four times that).
- Cortex-A53, network: two sources disagree. The A72's estimates, longer as XNNPACK's own table says at equal threads,
  give 1.0 (met within 17 %); published times without their number of threads give 1.6 (38 %). Hence 1.28 between them.
- Cortex-A76, network: no published time. float32 twice the A72; int8 1.8, so that Pi 4 to Pi 5 is 4.4 and 5.2 where a
  published pair of int8 detectors has 4.8 and 4.9.
- What is not the network, OpenCV's detector above all: 0.8 on the A72, by YuNet's published time. The A53 takes 1.58
  times as long for float code at equal threads (XNNPACK's table), the A76 is taken as twice the A72. Python has no
  figure of its own: no time of an interpreter as new was found.

Loads, stores, vector and other instructions were counted apart, and bytes moved: on the A73 bytes alone met the four
times within 4 % but would have an int8 network run faster than the core can multiply; on the A53 no class with a reason
behind it did better than all instructions together. So one figure a core and type stays.

Hence the bands: a factor of 1.6 for a network, 1.7 on the A53, whose two sources it holds; for frames 1.6 on the core
that the detector was timed on, 2 on others.
"""

from dataclasses import dataclass

from device.errors import UsageError


@dataclass(frozen=True)
class Board:
    """A board: its name, the core as QEMU knows it, clock, instructions a cycle, and the bands as factors.

    ``ipc_float``, ``ipc_int8`` and ``band`` are of the network alone; ``ipc_other`` is of all else in a frame, and
    ``frame_band`` of a whole frame.
    """

    key: str
    name: str
    core: str
    part: str
    features: str
    clock_ghz: float
    ipc_float: float
    ipc_int8: float
    ipc_other: float
    band: float
    frame_band: float

    def milliseconds(self, instructions: float, int8: bool) -> float:
        """Return the estimated time of a network's ``instructions``."""
        return instructions / (self.clock_ghz * 1e6 * (self.ipc_int8 if int8 else self.ipc_float))

    def frame_milliseconds(self, instructions: float, network: float, int8: bool) -> float:
        """Return the estimated time of a frame's ``instructions``, of which ``network`` are the network's."""
        other = max(instructions - network, 0.0) / (self.clock_ghz * 1e6 * self.ipc_other)
        return self.milliseconds(network, int8) + other

    def cpuinfo(self) -> str:
        """Return a /proc/cpuinfo as the kernel of the board writes it; cpuinfo libraries choose kernels by it."""
        core = (
            f"processor\t: {{}}\nBogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {self.part}\nCPU revision\t: 1\n\n"
        )
        return "".join(core.format(number) for number in range(4)) + f"Model\t\t: {self.name}\n"


V8 = "fp asimd evtstrm crc32 cpuid"
V8_2 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
BOARDS = {
    board.key: board
    for board in (
        Board(
            "pi-zero-2w", "Raspberry Pi Zero 2 W", "cortex-a53", "0xd03", V8, 1.0, 1.28, 1.28, 0.54, 1.7, 2.0
        ),
        Board("pi4", "Raspberry Pi 4", "cortex-a72", "0xd08", V8, 1.5, 0.96, 1.5, 0.8, 1.6, 1.6),
        Board("pi5", "Raspberry Pi 5", "cortex-a76", "0xd0b", V8_2, 2.4, 1.92, 1.8, 1.6, 1.6, 2.0),
    )
}


def board_named(key: str) -> Board:
    """Return the board ``key``; UsageError if there is none."""
    if key not in BOARDS:
        raise UsageError(f"no board '{key}'; expected one of {', '.join(BOARDS)}")
    return BOARDS[key]
