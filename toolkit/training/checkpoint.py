"""The state of a training on disk, so that a killed run goes on as if nothing had happened."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.files import whole_file
from device.text import one_line
from toolkit.array_files import load_arrays
from toolkit.data.files.walk import TRAINING_FILE

CHECKPOINT_FILE = TRAINING_FILE
Groups = dict[str, list[np.ndarray]]
# Of the state, what every reader takes for granted.
PARTS = {"recipe": dict, "request": dict, "history": list, "teacher_sha256s": list}


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
    return _state(folder, _read(folder, "state"))


def load_checkpoint(folder: Path) -> tuple[Groups, dict[str, Any]]:
    """Return what ``save_checkpoint`` wrote; EdgeError if it is absent or damaged."""
    stored = _read(folder)
    state = _state(folder, stored)
    groups: Groups = {}
    for key, array in stored.items():
        groups.setdefault(key.split("/")[0], []).append(array)
    return groups, state


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Turn what goes wrong with the checkpoint in ``folder`` into an EdgeError."""
    try:
        yield
    except FileNotFoundError as error:
        raise EdgeError(
            f"nothing to resume in {folder}: no {CHECKPOINT_FILE}; train without `resume`"
        ) from error
    except (OSError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise EdgeError(
            f"{folder / CHECKPOINT_FILE} is damaged ({one_line(error, 100)}); train anew with `overwrite`"
        ) from error


def _read(folder: Path, only: str = "") -> dict[str, np.ndarray]:
    with damage_told(folder):
        return load_arrays(folder / CHECKPOINT_FILE, only)


def _state(folder: Path, stored: dict[str, np.ndarray]) -> dict[str, Any]:
    """Take the state out of the arrays of a checkpoint; what each of its parts is, is checked."""
    with damage_told(folder):
        state = json.loads(stored.pop("state").tobytes())
        for name, kind in PARTS.items():
            if not isinstance(state.get(name, kind()), kind):
                raise TypeError(f"its {name} is none")
        if "recipe" not in state:
            raise KeyError("recipe")
        return dict(state)
