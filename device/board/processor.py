"""What the processor is called, and which instructions it has for int8."""

import platform
from pathlib import Path

# Flags of /proc/cpuinfo, the best first, and what they are called. Those above the line multiply int8 four at a time,
# which makes an int8 network three to four times as fast as its float one; without them little is gained.
INSTRUCTIONS = {
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "i8mm": "int8 matrix product",
    "asimddp": "dot product",
    # -----
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "asimd": "Neon",
}


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name as the kernel tells it, and the best of INSTRUCTIONS that it has.

    >>> cpu_name()
    'AMD EPYC, AVX-512 VNNI'
    """
    names = (value for key, value in _told(cpuinfo) if key == "model name" and not value.isdigit())
    flags = cpu_flags(cpuinfo)
    best = next((called for flag, called in INSTRUCTIONS.items() if flag in flags), "")
    name = next(names, platform.processor() or platform.machine())
    return f"{name}, {best}" if best else name


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return what the kernel says that the processor can do, such as ``avx2`` or ``asimddp``; empty where it does not.

    >>> "avx512_bf16" in cpu_flags()
    """
    return {flag for key, value in _told(cpuinfo) if key in ("flags", "features") for flag in value.split()}


def _told(cpuinfo: Path) -> list[tuple[str, str]]:
    """Return the kernel's lines as names, in small letters, and values; none where there is no such file."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [(key.strip().lower(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]
