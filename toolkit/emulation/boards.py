"""The boards that can be estimated, and how instructions become a time on them.

time = instructions / (clock * instructions a cycle). The counts come from the emulated core; the instructions a
cycle (IPC) cannot, and are the weak part:

- Cortex-A53: published single-board times of MobileNet V1 and V2, 224x224, under XNNPACK on a Raspberry Pi 3B+ at
  1.4 GHz (float 134 and 96 ms, int8 77 and 71) over counted instructions (210, 123, 175, 114 million) give 1.1, 0.9,
  1.6, 1.1.
- Cortex-A72: no published time of one thread was found. Its float peak a cycle is that of the A53 and of the
  Cortex-A73, on which XNNPACK's own table (Pixel 2, 2.35 GHz, one thread: 86 and 53 ms) gives 1.0 for both networks.
- Cortex-A76: twice that peak; int8 runs on dot products there, with fewer instructions and a lower IPC.

What runs beside the network, OpenCV's detector above all and Python, is counted too and has an IPC of its own: YuNet
at 320x320 takes 59 ms of one thread on a Raspberry Pi 4 (published) and 76 million instructions on the emulated A72,
0.86 a cycle. That it stands to the float IPC as 0.86 to 1.1 is taken for the other cores too.

Hence the bands: a factor of 1.35 for the network where published times of the core stand behind it, 1.6 where only
those of another one do; for frames 1.6 on the core that the detector was timed on, 2 on the others.
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
            "pi-zero-2w", "Raspberry Pi Zero 2 W", "cortex-a53", "0xd03", V8, 1.0, 1.0, 1.35, 0.78, 1.35, 2.0
        ),
        Board("pi4", "Raspberry Pi 4", "cortex-a72", "0xd08", V8, 1.5, 1.1, 1.5, 0.86, 1.6, 1.6),
        Board("pi5", "Raspberry Pi 5", "cortex-a76", "0xd0b", V8_2, 2.4, 2.1, 1.8, 1.64, 1.6, 2.0),
    )
}


def board_named(key: str) -> Board:
    """Return the board ``key``; UsageError if there is none."""
    if key not in BOARDS:
        raise UsageError(f"no board '{key}'; expected one of {', '.join(BOARDS)}")
    return BOARDS[key]
