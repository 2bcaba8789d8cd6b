"""Reading a recipe file: TOML of the fields of a recipe, and of what it is to be trained on."""

import tomllib
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import read_short
from toolkit.training.recipe import FIELDS, unknown

# What a recipe file may say beside the fields of a recipe, and what that is.
INPUTS = {
    "data": "Folders by split and class, fer2013.csv, parquet or tar files.",
    "more_data": "Further data sets, `PATH:SHARE`: where, and the share of the faces of a step that come from there.",
    "classes": "Train on these classes only, in this order.",
    "init": "Trained `.keras` whose weights to start from.",
    "teachers": "Trained `.keras` files to learn from.",
    "teacher_cache": "Folder where the teachers' answers are kept.",
    "mlflow": "URI of an MLflow server or store that is told recipe, epochs and model.",
}


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the TOML document at ``path``, which is to be a ``what``; EdgeError for a file that is not TOML."""
    try:
        document = tomllib.loads(read_short(path))
        repr(document)  # ValueError of a number that no message could show, as 0xf... of thousands of digits
        return document
    except (OSError, ValueError, RecursionError) as error:  # ValueError: also numbers of thousands of digits
        reason = getattr(error, "strerror", None) or error
        raise EdgeError(
            f"cannot read the {what} {path}: {reason}; expected a TOML file of training options"
        ) from error


def read_values(path: Path) -> dict[str, Any]:
    """Return the keys of a recipe file; EdgeError for a file that is not TOML or has an unknown key."""
    values = read_toml(path, "recipe")
    for name in values:
        if name not in FIELDS and name not in INPUTS:
            raise EdgeError(f"{unknown(name, (*FIELDS, *INPUTS))} (in {path})")
    return values


def checked_inputs(values: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a recipe file's ``values`` of INPUTS; EdgeError for one of another type, or empty."""
    for name, value in values.items():
        several = name in ("classes", "teachers", "more_data")
        strings = value if several and isinstance(value, list) else [value]
        if value is None:
            continue
        if not all(isinstance(one, str) for one in strings) or (several and not isinstance(value, list)):
            raise EdgeError(
                f"{name} must be {'a list of strings' if several else 'a string'}, not {value!r}{where}"
            )
        if "" in strings:
            raise EdgeError(f"{name} is empty; give a value, or leave it out{where}")
    return {name: value for name, value in values.items() if value is not None}
