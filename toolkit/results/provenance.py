"""Where results come from: the machine, the versions, the time."""

import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from device.board.processor import cpu_name

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


def now() -> str:
    """Return the present time, UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
