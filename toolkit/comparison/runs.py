"""Training every variant with every seed, each in a process of its own: one that fails is no end of the others."""

import contextlib
import dataclasses
import itertools
import json
import logging
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.child_processes import child_environment, python_module
from device.errors import EdgeError
from device.files import read_short, write_whole
from toolkit.comparison.variants import Variant, recipe_of
from toolkit.data.readers.loading import found_from_anywhere
from toolkit.training.architectures.own_files import from_anywhere, same_architecture
from toolkit.training.checkpoint import CHECKPOINT_FILE
from toolkit.training.recipe_file import read_toml
from toolkit.training.request import BEST_FILE

logger = logging.getLogger(__name__)
RECIPE_FILE, DONE_FILE = "recipe.toml", "done.json"
OF_ALL: tuple[str, ...] = ("data", "classes")  # what all trainings of a comparison have alike


@dataclass(frozen=True)
class Run:
    """One training: its variant, seed, folder and all of its options, and why it failed, '' if it did not."""

    variant: Variant
    seed: int
    folder: Path
    options: dict[str, Any]
    error: str = ""

    @property
    def model(self) -> Path:
        return self.folder / BEST_FILE

    @property
    def label_source(self) -> str:
        """Whose labels it learns, as ``load_dataset`` takes it."""
        return recipe_of(self.options).label_source


def planned(
    variants: Sequence[Variant], seeds: int, data: Path, out: Path, common: dict[str, Any]
) -> list[Run]:
    """Return the trainings of every variant with the seeds from 0, in OUT.

    ``common``: recipe keys and files of all, under each variant's own.
    """
    told = str(found_from_anywhere(data))
    runs = []
    for variant, seed in itertools.product(variants, range(seeds)):
        options = {**common, **variant.options, "seed": seed, "data": told}
        if "arch" in options:
            options["arch"] = from_anywhere(options["arch"])
        runs.append(Run(variant, seed, out / variant.folder / f"seed{seed}", options))
    return runs


def refuse_others(out: Path, runs: Sequence[Run]) -> None:
    """Raise EdgeError where ``out`` holds what was trained on other data or classes than ``runs``, or otherwise.

    UsageError for options that no training can have. More epochs lengthen a training, so they are no other ones.
    """
    asked = {run.folder: with_defaults(run.options) for run in runs}
    for file in sorted(out.glob(f"*/seed*/{RECIPE_FILE}")):
        folder = file.parent
        if not (folder / CHECKPOINT_FILE).exists() and not (folder / BEST_FILE).exists():
            continue
        trained, wanted, keys = read_toml(file, "recipe"), runs[0].options, OF_ALL
        if folder in asked:
            trained, wanted = with_defaults(trained), asked[folder]
            keys = (*OF_ALL, *sorted({*trained, *wanted}))
        for key in keys:
            old, new = trained.get(key), wanted.get(key)
            if key == "arch" and same_architecture(str(old), str(new)):
                continue
            if old != new and not (key == "epochs" and trained[key] < wanted[key]):
                raise EdgeError(
                    f"{folder} was trained with {key} {_spelled(old)}, now {_spelled(new)}; ask for the same, or "
                    "choose another `out`"
                )


def with_defaults(options: dict[str, Any]) -> dict[str, Any]:
    """Return a training's ``options`` with every key of its recipe."""
    return options | dataclasses.asdict(recipe_of(options))


def _spelled(value: Any) -> str:
    if value is None:
        return "not given"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def train_all(runs: Sequence[Run]) -> list[Run]:
    """Train all ``runs`` and return them; what is done is passed over, what was stopped goes on."""
    trained = []
    for number, run in enumerate(runs, start=1):
        logger.info("%s, seed %d (%d of %d)", run.variant.name, run.seed, number, len(runs))
        trained.append(dataclasses.replace(run, error=train_one(run.folder, run.options)))
        if error := trained[-1].error:
            logger.warning("%s, seed %d failed: %s", run.variant.name, run.seed, error)
    return trained


def train_one(folder: Path, options: dict[str, Any]) -> str:
    """Train in ``folder`` unless it is done; return the error line of a training that failed, or ''."""
    told = json.dumps(options, sort_keys=True)
    done = folder / DONE_FILE
    with contextlib.suppress(OSError, ValueError):  # what is no such file is written anew
        if (folder / BEST_FILE).exists() and read_short(done) == told:
            return ""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RECIPE_FILE, recipe_text(options), overwrite=True)
    resume = ["--resume"] if (folder / CHECKPOINT_FILE).exists() else []
    error = run_toolkit("train", "--recipe", folder / RECIPE_FILE, "--out", folder, *resume)
    if not error:
        write_whole(done, told, overwrite=True)
    return error


def recipe_text(options: dict[str, Any]) -> str:
    """Return ``options`` as a recipe file has them."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())


def run_toolkit(*arguments: object) -> str:
    """Run a toolkit command; return its error line, or ''. KeyboardInterrupt where it was interrupted."""
    command = python_module("toolkit", *map(str, arguments), "--quiet")
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=child_environment(),
        process_group=0,  # Ctrl-C is for the comparison, which ends the command itself
    ) as child:
        try:
            said = child.communicate()[1]
        except BaseException:
            child.terminate()
            try:
                child.wait()  # it clears away what it has half written; a second Ctrl-C does not wait for that
            finally:
                child.kill()
            raise
    if child.returncode == 0:
        return ""
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    if lines and lines[-1].startswith("error: interrupted"):
        raise KeyboardInterrupt
    return lines[-1].removeprefix("error: ") if lines else f"it ended with exit status {child.returncode}"
