"""What is compared: architectures, and ways to train them, each under a name."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.errors import EdgeError, UsageError
from toolkit.training.architectures import short_name
from toolkit.training.recipe import (
    FIELDS,
    TrainingRecipe,
    checked_type,
    make_recipe,
    unknown,
    why_refused,
)
from toolkit.training.recipe_file import INPUTS, read_toml

DEFAULT_ARCH = "compact"


@dataclass(frozen=True)
class Variant:
    """A recipe's keys under a name."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name as a folder may be called."""
        return re.sub(r"[^\w=.,+-]+", "_", self.name)


def make_variants(archs: Sequence[str], vary: Sequence[str], file: Path | None) -> list[Variant]:
    """Return every architecture of ``archs`` in every combination of ``vary``, 'KEY=VALUE,VALUE', and those of a file.

    UsageError, which names the option, for a wrong one; EdgeError for a wrong file.

    >>> [one.name for one in make_variants(["small"], ["optimizer=sgd,adam"], None)]
    ['small optimizer=sgd', 'small optimizer=adam']
    """
    made = read_variants(file) if file else []
    axes = [_axis(text) for text in vary]
    names = [part for text in archs for part in text.split(",") if part]
    if names or axes or not made:
        for arch, *values in itertools.product(names or [DEFAULT_ARCH], *axes):
            label = " ".join([short_name(arch), *(f"{key}={value}" for key, value in values)])
            made.append(Variant(label, {"arch": arch, **dict(values)}))
    names_by_folder: dict[str, str] = {}
    for variant in made:
        other = names_by_folder.get(variant.folder)
        if other == variant.name:
            raise UsageError(f"two variants are called '{variant.name}'; name every one once")
        if other is not None:
            raise UsageError(
                f"the variants '{other}' and '{variant.name}' would share the folder {variant.folder}; rename one"
            )
        names_by_folder[variant.folder] = variant.name
        if "seed" in variant.options:
            raise UsageError(
                f"the variant '{variant.name}' names a seed, and `seeds` gives every training its own; leave it out, "
                "or pass `seeds=2` for two"
            )
    return made


def _axis(text: str) -> list[tuple[str, Any]]:
    """Return the (key, value) pairs of 'KEY=VALUE,VALUE'; values of ``augment`` are joined by +."""
    key, equals, values = text.partition("=")
    key = key.strip().replace("-", "_")
    if not equals or not values:
        raise UsageError(f"`vary` is '{text}'; expected KEY=VALUE,VALUE, such as optimizer=sgd,adam")
    if key not in FIELDS:
        raise UsageError(f"`vary`: {unknown(key, FIELDS)}")
    pairs = [(key, _value(key, value.strip())) for value in values.split(",")]
    for _, value in pairs:
        if wrong := why_refused(key, value):
            raise UsageError(f"`vary`: {key} {wrong}")
    return pairs


def _value(key: str, text: str) -> Any:
    """Return ``text`` as the recipe's field ``key`` has it."""
    kind = FIELDS[key].type
    try:
        if kind is bool:
            return {"true": True, "on": True, "false": False, "off": False}[text.lower()]
        return text.replace("+", ",") if kind is str else kind(text)  # type: ignore[operator]
    except (KeyError, ValueError) as error:
        raise UsageError(f"`vary`: {key} is '{text}'; expected {kind.__name__}") from error  # type: ignore[union-attr]


def read_variants(path: Path) -> list[Variant]:
    """Return the variants of a TOML file: a table ``[NAME]`` of recipe keys each; keys above them are common to all."""
    content = read_toml(path, "variants")
    common = {key: value for key, value in content.items() if not isinstance(value, dict)}
    found = []
    for name, table in content.items():
        if isinstance(table, dict):
            options = {
                key: checked_type(key, value, f" (in {path})") for key, value in (common | table).items()
            }
            found.append(Variant(name, options))
    if not found:
        raise EdgeError(
            f"{path} has no variant; expected tables, such as [without_augmentation] augmentation = 0.0"
        )
    return found


def recipe_of(options: dict[str, Any]) -> TrainingRecipe:
    """Return the recipe of a training's ``options``, those of INPUTS left out.

    UsageError for a value that the recipe cannot have.
    """
    chosen = {key: checked_type(key, value, "") for key, value in options.items() if key not in INPUTS}
    return make_recipe({}, chosen)
