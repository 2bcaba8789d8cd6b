"""Where a device keeps what was fetched or installed."""

import os
from pathlib import Path

HOME_VARIABLE = "FER_EDGE_HOME"  # the service sets it to /var/lib/fer-edge


def state_folder() -> Path:
    """Return ``$FER_EDGE_HOME``, else ``$XDG_DATA_HOME/fer-edge``, else ``~/.local/share/fer-edge``."""
    if own := os.environ.get(HOME_VARIABLE):
        return Path(own)
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "fer-edge"
