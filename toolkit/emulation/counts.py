"""Instructions that were counted before: counting takes minutes, so the counts are kept by the digest of a model.

``counts.json`` holds those of models that ship; a count of another model is kept in the user's cache.
"""

import json
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import read_short, write_whole
from device.model.file.metadata import weights_sha256
from device.storage import cache_folder
from toolkit.emulation.boards import Board

# Pinned, so that counts of one day can be held against those of another.
PACKAGES = ("numpy==2.4.6", "opencv-python-headless==4.14.0.94", "ai-edge-litert==2.3.0")
MOST_BYTES = 1 << 20  # of the user's counts: thousands of models


@dataclass(frozen=True)
class Count:
    """Guest instructions of one inference, of a steady frame (faces followed), of one searched as a whole."""

    classify: int
    steady_frame: int | None = None
    searched_frame: int | None = None


def shipped_counts() -> dict[str, Any]:
    """Return what ``counts.json`` holds: by digest of graph and weights, the model's name and its counts by board."""
    document = json.loads((resources.files("toolkit.emulation") / "counts.json").read_text())
    models: dict[str, Any] = document["models"]
    return models if document["packages"] == list(PACKAGES) else {}


def known_count(board: Board, model: Path) -> Count | None:
    """Return the count of a .tflite on a board that was made before, with the same packages; None if there is none."""
    digest = weights_sha256(model.read_bytes())
    for models in (shipped_counts(), _own_counts()):
        if found := _count_of(models.get(digest, {}).get("boards", {}).get(board.key)):
            return found
    return None


def remember(board: Board, model: Path, count: Count) -> None:
    """Keep a count in the user's cache; one that cannot be kept is counted again another time."""
    models = _own_counts()
    entry = models.setdefault(weights_sha256(model.read_bytes()), {"name": model.name, "boards": {}})
    entry["boards"][board.key] = asdict(count)
    document = {"packages": list(PACKAGES), "fer-edge": version("fer-edge"), "models": models}
    try:
        _own_file().parent.mkdir(parents=True, exist_ok=True)
        write_whole(_own_file(), json.dumps(document, indent=1), overwrite=True)
    except (OSError, EdgeError, RuntimeError):  # no right to write there, or nobody's home
        return


def _count_of(stored: Any) -> Count | None:
    """Return a count as ``remember`` wrote it, None where it is no such one."""
    try:
        count = Count(**stored)
    except TypeError:
        return None
    frames = (one for one in (count.steady_frame, count.searched_frame) if one is not None)
    return count if all(type(number) is int and number > 0 for number in (count.classify, *frames)) else None


def _own_file() -> Path:
    return cache_folder() / "counts.json"


def _own_counts() -> dict[str, Any]:
    """Return the counts in the user's cache, none where they are of another version or damaged."""
    try:
        document = json.loads(read_short(_own_file(), MOST_BYTES))
        same = document["packages"] == list(PACKAGES) and document["fer-edge"] == version("fer-edge")
        models: dict[str, Any] = document["models"] if same else {}
        return {digest: entry for digest, entry in models.items() if isinstance(entry["boards"], dict)}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
