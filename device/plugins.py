"""Parts that other packages bring, made known by entry points.

A package names its part in its own ``pyproject.toml``, and it is there once the package is installed:

    [project.entry-points."fer_edge.detectors"]
    mine = "my_package:MyDetector"
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from device.errors import EdgeError

DETECTORS = "fer_edge.detectors"
SOURCES = "fer_edge.sources"
SINKS = "fer_edge.sinks"
ARCHITECTURES = "fer_edge.architectures"


def plugin_names(group: str) -> tuple[str, ...]:
    """Return the names of the parts that installed packages bring to ``group``, sorted."""
    return tuple(sorted({found.name for found in entry_points(group=group)}))


def load_plugin(group: str, name: str) -> Callable[..., Any]:
    """Return what the entry point ``name`` of ``group`` names; EdgeError if it cannot be imported or is not there."""
    found: tuple[EntryPoint, ...] = tuple(entry_points(group=group, name=name))
    if not found:
        known = ", ".join(plugin_names(group)) or "none"
        raise EdgeError(f"no installed package brings '{name}' to {group}; there are: {known}")
    try:
        part: Callable[..., Any] = found[0].load()
    except Exception as error:  # another package's import may raise anything
        raise EdgeError(
            f"{found[0].value}, which brings '{name}' to {group}, cannot be imported "
            f"({type(error).__name__}: {error}); install it again, or remove it"
        ) from error
    return part
