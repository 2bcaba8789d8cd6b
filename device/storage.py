"""Where the package has its own files, and programs keep what was fetched, installed or could be made again."""

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


def packaged(name: str) -> Path:
    """Return where the package carries its file ``name``; it may have come without it.

    >>> preview = packaged("preview.html").read_bytes()
    """
    return Path(__file__).parent / "data" / name


def cache_folder() -> Path:
    """Return where the user's programs keep what they could make again: ``fer-edge`` in ``$XDG_CACHE_HOME``, else in
    ``~/.cache``; it need not be there. RuntimeError for a user without a home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fer-edge"
