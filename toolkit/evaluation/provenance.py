"""Where results come from: the machine, the versions, the time."""

import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

VERSIONS_OF = (
    "fer-edge",
    "tensorflow-cpu",
    "tensorflow",
    "keras",
    "ai-edge-litert",
    "opencv-python-headless",
    "numpy",
)


def provenance() -> dict[str, Any]:
    """Return the machine and the versions that results come from."""
    versions = {"python": platform.python_version()}
    for name in VERSIONS_OF:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cpu": cpu_name(),
        "versions": versions,
    }


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


def now() -> str:
    """Return the present time, UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
