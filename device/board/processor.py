"""What the processor is called."""

import platform
from pathlib import Path


def cpu_name() -> str:
    """Return the processor's name as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [
        line.split(":", 1)[1].strip() for line in lines if line.lower().startswith(("model name", "model\t"))
    ]
    return next((name for name in names if not name.isdigit()), platform.processor() or platform.machine())
