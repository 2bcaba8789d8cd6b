"""Training every variant with every seed, each in a process of its own: one that fails is no end of the others."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.files import write_whole
from toolkit.comparison.variants import Variant

logger = logging.getLogger(__name__)
MODEL, CHECKPOINT, RECIPE, DONE = "best.keras", "checkpoint.npz", "recipe.toml", "done.json"


@dataclass(frozen=True)
class Run:
    """One training: its variant, seed and folder, and why it failed, '' if it did not."""

    variant: Variant
    seed: int
    folder: Path
    error: str = ""

    @property
    def model(self) -> Path:
        return self.folder / MODEL


def train_all(
    variants: Sequence[Variant], seeds: int, data: Path, out: Path, common: dict[str, Any]
) -> list[Run]:
    """Train every variant with the seeds from 0; what is done is passed over, what was stopped goes on.

    ``common``: recipe keys and files of all, under each variant's own.
    """
    runs = []
    for number, (variant, seed) in enumerate(
        [(one, seed) for one in variants for seed in range(seeds)], start=1
    ):
        folder = out / folder_name(variant.name) / f"seed{seed}"
        logger.info("%s, seed %d (%d of %d)", variant.name, seed, number, len(variants) * seeds)
        options = {**common, **variant.options, "seed": seed, "data": str(data.absolute())}
        runs.append(Run(variant, seed, folder, train_one(folder, options)))
        if runs[-1].error:
            logger.warning("%s, seed %d failed: %s", variant.name, seed, runs[-1].error)
    return runs


def folder_name(name: str) -> str:
    """Return ``name`` as a folder may be called."""
    return re.sub(r"[^A-Za-z0-9=.,+-]+", "_", name)


def train_one(folder: Path, options: dict[str, Any]) -> str:
    """Train in ``folder`` unless it is done; return the error line of a training that failed, or ''."""
    told = json.dumps(options, sort_keys=True)
    if (folder / MODEL).exists() and (folder / DONE).exists() and (folder / DONE).read_text() == told:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RECIPE, recipe_text(options), overwrite=True)
    resume = ["--resume"] if (folder / CHECKPOINT).exists() else []
    error = run_toolkit("train", "--recipe", folder / RECIPE, "--out", folder, *resume)
    if not error:
        write_whole(folder / DONE, told, overwrite=True)
    return error


def recipe_text(options: dict[str, Any]) -> str:
    """Return ``options`` as a recipe file has them."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())


def run_toolkit(*arguments: object) -> str:
    """Run a toolkit command; return its error line, or ''. KeyboardInterrupt where it was interrupted."""
    command = [sys.executable, "-m", "toolkit", *map(str, arguments), "--quiet"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if lines and lines[-1].startswith("error: interrupted"):
        raise KeyboardInterrupt
    return lines[-1].removeprefix("error: ") if lines else f"it ended with exit status {done.returncode}"
