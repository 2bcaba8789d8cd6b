"""What a sweep may choose: the keys of a recipe with one value, a list of them, or a range."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from device.errors import EdgeError
from toolkit.training.architectures.own_files import refuse_absent
from toolkit.training.recipe import FIELDS, checked_type, unknown, why_refused
from toolkit.training.recipe_file import read_toml

RANGE = "{low = 0.01, high = 0.2}, with log = true or step = 0.01 if you like"


@dataclass(frozen=True)
class Space:
    """``fixed``: recipe keys that all trials have alike; ``chosen``: what Optuna may choose from, by recipe key."""

    fixed: dict[str, Any]
    chosen: dict[str, BaseDistribution]

    def to_state(self) -> dict[str, Any]:
        """Return what tells one space from another, JSON-able."""
        return {
            "fixed": self.fixed,
            "chosen": {key: distribution_to_json(one) for key, one in self.chosen.items()},
        }


def read_space(path: Path) -> Space:
    """Return the space of a TOML file whose keys are a recipe's: a value is fixed, a list chosen from, a table a range.

    EdgeError for a file that is no TOML, an unknown key, a value that the key cannot have, or nothing to choose.

    >>> read_space(Path("space.toml")).chosen["learning_rate"]
    FloatDistribution(high=0.3, log=True, low=0.01, step=None)
    """
    content = read_toml(path, "space")
    where = f" (in {path})"
    fixed, chosen = {}, {}
    for key, value in content.items():
        if key not in FIELDS:
            raise EdgeError(f"{unknown(key, FIELDS)}{where}")
        if isinstance(value, dict):
            chosen[key] = _range(key, value, where)
        elif isinstance(value, list) and value:
            chosen[key] = CategoricalDistribution([_checked(key, one, where) for one in value])
        else:
            fixed[key] = _checked(key, value, where)
    if not chosen:
        raise EdgeError(f"{path} leaves nothing to choose; expected a list or a range, such as {RANGE}")
    return Space(fixed, chosen)


def _checked(key: str, value: Any, where: str) -> Any:
    value = checked_type(key, value, where)
    if wrong := why_refused(key, value):
        raise EdgeError(f"{key} {wrong}{where}")
    if key == "arch":
        refuse_absent(value)
    return value


def _range(key: str, table: dict[str, Any], where: str) -> BaseDistribution:
    """Return the distribution of ``table``: low and high, as the key has them, and Optuna's own log and step."""
    kinds = {float: FloatDistribution, int: IntDistribution}
    kind = kinds.get(FIELDS[key].type)  # type: ignore[arg-type]
    if kind is None or not {"low", "high"} <= set(table):
        wanted = f"a range, such as {RANGE}" if kind else "a list of values"
        raise EdgeError(f"{key} is {table}; expected {wanted}{where}")
    ends = {end: _checked(key, table[end], where) for end in ("low", "high")}
    try:
        return kind(**(table | ends))
    except (TypeError, ValueError, OverflowError) as error:
        raise EdgeError(f"{key} is {table}: {error}; expected {RANGE}{where}") from error
