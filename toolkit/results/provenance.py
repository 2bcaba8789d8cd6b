"""Where results come from: the machine, the versions, the time."""

import contextlib
import functools
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


@functools.cache
def package_versions() -> dict[str, str]:
    """Return the versions of the packages that figures and files depend on, as far as they are installed."""
    versions = {}
    for name in VERSIONS_OF:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def provenance() -> dict[str, Any]:
    """Return the machine and the versions that results come from."""
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cpu": cpu_name(),
        "versions": {"python": platform.python_version(), **package_versions()},
    }


def now() -> str:
    """Return the present time, UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
