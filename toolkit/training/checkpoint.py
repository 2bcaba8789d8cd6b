"""The state of a training on disk, so that a killed run goes on as if nothing had happened."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.files import whole_file
from device.zip_files import DAMAGE

CHECKPOINT_FILE = "checkpoint.npz"
Groups = dict[str, list[np.ndarray]]


def save_checkpoint(folder: Path, groups: Groups, state: dict[str, Any]) -> None:
    """Write arrays by group and a JSON-able ``state`` to ``folder``/checkpoint.npz, whole or not at all."""
    arrays = {
        f"{group}/{number}": array
        for group, members in groups.items()
        for number, array in enumerate(members)
    }
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with whole_file(folder / CHECKPOINT_FILE) as partial, open(partial, "wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]


def read_state(folder: Path) -> dict[str, Any]:
    """Return the ``state`` alone; EdgeError as ``load_checkpoint``."""
    return _read(folder, arrays=False)[1]


def load_checkpoint(folder: Path) -> tuple[Groups, dict[str, Any]]:
    """Return what ``save_checkpoint`` wrote; EdgeError if it is absent or damaged."""
    return _read(folder, arrays=True)


def _read(folder: Path, arrays: bool) -> tuple[Groups, dict[str, Any]]:
    path = folder / CHECKPOINT_FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            groups: Groups = {}
            for key in stored.files:
                if arrays and key != "state":
                    groups.setdefault(key.split("/")[0], []).append(stored[key])
            return groups, json.loads(stored["state"].tobytes())
    except FileNotFoundError as error:
        raise EdgeError(
            f"nothing to resume in {folder}: no {CHECKPOINT_FILE}; train without `resume`"
        ) from error
    except (OSError, KeyError, *DAMAGE) as error:
        raise EdgeError(f"{path} is damaged ({error}); train anew with `overwrite`") from error
