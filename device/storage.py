"""Where a device keeps what was fetched or installed."""

import os
from pathlib import Path

HOME_VARIABLE = "FER_EDGE_HOME"  # the service sets it to SERVICE_HOME
SERVICE_HOME = Path("/var/lib/fer-edge")


def state_folder() -> Path:
    """Return ``$FER_EDGE_HOME``, else the service's folder for root where the service runs, else the user's own.

    So 'sudo device install' changes the model of the service, and 'device install' that of the user. A user without a
    home has the service's too.
    """
    if own := os.environ.get(HOME_VARIABLE):
        return Path(own)
    if os.geteuid() == 0 and SERVICE_HOME.is_dir():
        return SERVICE_HOME
    shared = os.environ.get("XDG_DATA_HOME")
    try:
        return (Path(shared) if shared else Path.home() / ".local" / "share") / "fer-edge"
    except RuntimeError:  # neither $HOME nor an entry in the list of users
        return SERVICE_HOME
